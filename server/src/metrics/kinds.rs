//! Counters of one name, told apart by a few kinds.

use cowrite_protocol::frame::Code;

use super::Counter;

/// What a counter can be told apart by. The labels are ours and few, so a page stays small
/// whatever peers do.
pub trait Kind: Copy + PartialEq + 'static {
    /// How it is called on the page: lower-case letters and `_`.
    fn label(self) -> &'static str;
}

/// A counter for each of some kinds, and one for whatever else there is. Cost of counting: a look
/// through a short list, and one atomic addition.
#[derive(Debug)]
pub struct Kinds<K: Kind> {
    kinds: &'static [K],
    counters: Box<[Counter]>,
}

/// How kinds are called that have no counter of their own.
const OTHER: &str = "other";

impl<K: Kind> Kinds<K> {
    /// Counters of these kinds, at 0.
    pub fn new(kinds: &'static [K]) -> Kinds<K> {
        Kinds { kinds, counters: (0..=kinds.len()).map(|_| Counter::default()).collect() }
    }

    /// One more of this kind.
    pub fn increment(&self, kind: K) {
        self.add(kind, 1);
    }

    /// So many more of this kind.
    pub fn add(&self, kind: K, more: u64) {
        self.counters[self.place(kind)].add(more);
    }

    /// How many there were of this kind.
    pub fn get(&self, kind: K) -> u64 {
        self.counters[self.place(kind)].get()
    }

    /// All counters with their labels. What is counted as another is there only once it happened.
    pub fn labelled(&self) -> Vec<(&'static str, &Counter)> {
        let labels = self.kinds.iter().map(|kind| kind.label()).chain([OTHER]);
        labels.zip(&self.counters).filter(|(label, counter)| *label != OTHER || counter.get() > 0).collect()
    }

    fn place(&self, kind: K) -> usize {
        self.kinds.iter().position(|known| *known == kind).unwrap_or(self.kinds.len())
    }
}

impl Kind for Code {
    fn label(self) -> &'static str {
        self.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_without_a_counter_of_its_own_is_another() {
        let codes = Kinds::new(&[Code::Unauthorized, Code::TokenExpired]);
        codes.increment(Code::TokenExpired);
        assert_eq!(codes.labelled().len(), 2);
        codes.add(Code::Silent, 2);
        codes.increment(Code::Stuck);
        let counted: Vec<_> = codes.labelled().into_iter().map(|(label, counter)| (label, counter.get())).collect();
        assert_eq!(counted, [("unauthorized", 0), ("token_expired", 1), ("other", 3)]);
    }
}
