//! Edits as somebody makes them who types here and there: the same as those of `bench/peers/libraries/typist.mjs`.

/// The text that branches begin with.
pub(super) fn base() -> String {
    "The quick brown fox jumps over the lazy dog. ".repeat(200)
}

/// One who types.
pub(super) struct Typist {
    state: u32,
    caret: u32,
    length: u32,
}

impl Typist {
    /// One whose edits follow from this number, in a text of that length at the beginning.
    pub(super) fn new(seed: u32, length: usize) -> Typist {
        let mut typist = Typist { state: seed.max(1), caret: 0, length: length as u32 };
        typist.caret = typist.below(typist.length + 1);
        typist
    }

    /// The next edit: where, how much goes, what comes.
    pub(super) fn edit(&mut self) -> (usize, usize, String) {
        if self.below(20) == 0 {
            self.caret = self.below(self.length + 1);
        }
        if self.caret > 0 && self.below(10) == 0 {
            self.caret -= 1;
            self.length -= 1;
            return (self.caret as usize, 1, String::new());
        }
        let letter = char::from(b'a' + self.below(26) as u8);
        let at = self.caret as usize;
        self.caret += 1;
        self.length += 1;
        (at, 0, letter.to_string())
    }

    /// The length of the text that it edits.
    pub(super) fn length(&self) -> usize {
        self.length as usize
    }

    /// A number below that, by xorshift.
    fn below(&mut self, below: u32) -> u32 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        self.state % below
    }
}
