//! How a block's columns are written: numbers of as many bytes as they need, runs of equal ones, and sections that
//! are compressed where that makes them smaller.
//!
//! What reads them never takes more memory than [`MAX_SECTION_BYTES`] or the bytes that it is given, whatever they say.

use std::borrow::Cow;

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

/// A section of more bytes is kept as it is: to read a block takes no more memory than a few of these.
const MAX_SECTION_BYTES: usize = 1 << 20;

/// Too few to be worth a try.
const WORTH_BYTES: usize = 48;

/// Of 1 to 10: more takes longer and saves next to nothing.
const LEVEL: u8 = 6;

/// Writes a number: seven bits a byte, the lowest first, the high bit set on all but the last.
pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes the way from one number to another, which may be back and past the ends: small for a short way.
pub(super) fn put_step(out: &mut Vec<u8>, from: u64, to: u64) {
    put_number(out, folded(from, to));
}

/// The way from one number to another as a number that is small for a short way.
pub(super) fn folded(from: u64, to: u64) -> u64 {
    let way = to.wrapping_sub(from);
    (way << 1) ^ 0_u64.wrapping_sub(way >> 63)
}

/// Where the way leads from this number.
pub(super) fn unfolded(from: u64, step: u64) -> u64 {
    from.wrapping_add((step >> 1) ^ 0_u64.wrapping_sub(step & 1))
}

/// Writes each number with how often it follows itself.
pub(super) fn put_runs(out: &mut Vec<u8>, numbers: impl IntoIterator<Item = u64>) {
    let mut run: Option<(u64, u64)> = None;
    let mut numbers = numbers.into_iter();
    loop {
        let next = numbers.next();
        match (&mut run, next) {
            (Some((number, times)), Some(next)) if *number == next => *times += 1,
            _ => {
                if let Some((number, times)) = run {
                    put_number(out, number);
                    put_number(out, times);
                }
                run = next.map(|number| (number, 1));
            }
        }
        if next.is_none() {
            return;
        }
    }
}

/// Writes a section behind others.
pub(super) fn put_section(out: &mut Vec<u8>, section: &[u8]) {
    put_number(out, section.len() as u64);
    if (WORTH_BYTES..=MAX_SECTION_BYTES).contains(&section.len()) {
        let packed = compress_to_vec(section, LEVEL);
        if packed.len() < section.len() {
            put_number(out, packed.len() as u64);
            out.extend_from_slice(&packed);
            return;
        }
    }
    put_number(out, 0);
    out.extend_from_slice(section);
}

/// Reads what the others wrote. `None` stands for bytes that they do not write.
#[derive(Debug)]
pub(super) struct Columns<'a>(&'a [u8]);

impl<'a> Columns<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Columns<'a> {
        Columns(bytes)
    }

    /// Whether all has been read.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn bytes(&mut self, len: u64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let (number, bytes) = leading_number(self.0)?;
        self.0 = self.0.get(bytes..)?;
        Some(number)
    }

    /// The number that a step from this one leads to.
    pub(super) fn step(&mut self, from: u64) -> Option<u64> {
        Some(unfolded(from, self.number()?))
    }

    /// So many numbers that were written as runs.
    pub(super) fn runs(&mut self, count: usize) -> Option<Vec<u64>> {
        let mut numbers = Vec::with_capacity(count);
        while numbers.len() < count {
            let (number, times) = (self.number()?, usize::try_from(self.number()?).ok()?);
            if times == 0 || times > count - numbers.len() {
                return None;
            }
            numbers.resize(numbers.len() + times, number);
        }
        Some(numbers)
    }

    pub(super) fn section(&mut self) -> Option<Cow<'a, [u8]>> {
        let (len, packed) = (self.number()?, self.number()?);
        if packed == 0 {
            return self.bytes(len).map(Cow::Borrowed);
        }
        let len = usize::try_from(len).ok().filter(|len| *len <= MAX_SECTION_BYTES)?;
        let section = decompress_to_vec_with_limit(self.bytes(packed)?, len).ok()?;
        (section.len() == len).then_some(Cow::Owned(section))
    }
}

/// The number that some bytes begin with, and how many of them it takes; `None` if it is not written as
/// [`put_number`] writes it.
pub(super) fn leading_number(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        let bits = u64::from(byte & 0x7f);
        if at == 9 && bits > 1 {
            return None;
        }
        number |= bits << (7 * at);
        if byte & 0x80 == 0 {
            return (bits != 0 || at == 0).then_some((number, at + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBERS: [u64; 9] = [0, 1, 127, 128, 300, 1 << 35, u64::MAX / 2, u64::MAX - 1, u64::MAX];

    #[test]
    fn numbers_steps_and_runs_read_back() {
        for from in NUMBERS {
            for to in NUMBERS {
                let mut bytes = Vec::new();
                put_number(&mut bytes, from);
                put_step(&mut bytes, from, to);
                put_runs(&mut bytes, [from, from, to, from, to, to, to]);
                let mut columns = Columns::of(&bytes);
                assert_eq!((columns.number(), columns.step(from)), (Some(from), Some(to)));
                assert_eq!(columns.runs(7), Some(vec![from, from, to, from, to, to, to]));
                assert!(columns.is_empty());
            }
        }
        let mut short = Vec::new();
        put_step(&mut short, 1000, 996);
        assert_eq!(short.len(), 1, "a short way back is as small as one ahead");
    }

    #[test]
    fn a_number_is_written_in_one_way_only() {
        for other in
            [&[0x80, 0][..], &[0x80], &[], &[0xff; 10], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]]
        {
            assert_eq!(leading_number(other), None, "{other:?}");
        }
        assert_eq!(leading_number(&[0, 7]), Some((0, 1)));
    }

    #[test]
    fn runs_that_are_too_long_or_of_nothing_are_refused() {
        let runs = |numbers: &[u64], count| {
            let mut bytes = Vec::new();
            numbers.iter().for_each(|number| put_number(&mut bytes, *number));
            Columns::of(&bytes).runs(count)
        };
        assert_eq!(runs(&[5, 3], 3), Some(vec![5; 3]));
        assert_eq!(runs(&[5, 4], 3), None);
        assert_eq!(runs(&[5, u64::MAX], 3), None);
        assert_eq!(runs(&[5, 0, 5, 3], 3), None);
        assert_eq!(runs(&[5, 2], 3), None);
    }

    #[test]
    fn sections_read_back_and_none_takes_more_memory_than_it_may() {
        let sections = [vec![], vec![7; 20], vec![7; 5000], (0..=255).collect(), vec![1; MAX_SECTION_BYTES + 1]];
        let mut bytes = Vec::new();
        sections.iter().for_each(|section| put_section(&mut bytes, section));
        assert!(bytes.len() < MAX_SECTION_BYTES + 1000, "equal bytes are compressed");
        let mut columns = Columns::of(&bytes);
        for section in &sections {
            assert_eq!(columns.section().unwrap(), &**section);
        }
        assert!(columns.is_empty());
        // One that says another length than it has, or one that it may not have.
        let zeros = compress_to_vec(&vec![0; 2 * MAX_SECTION_BYTES], LEVEL);
        for len in [0, 100, 2 * MAX_SECTION_BYTES, usize::MAX] {
            let mut bytes = Vec::new();
            put_number(&mut bytes, len as u64);
            put_number(&mut bytes, zeros.len() as u64);
            bytes.extend_from_slice(&zeros);
            assert_eq!(Columns::of(&bytes).section(), None, "{len}");
        }
    }
}
