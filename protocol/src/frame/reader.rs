//! Numbers, texts and lists from bytes, as postcard writes them.

use alloc::vec::Vec;

/// What is left of some bytes. Every step gives `None` where they are not what it reads, and
/// allocates no more than they hold.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// One of these, by its place.
    pub fn pick<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let place = self.u32()?;
        all.get(place as usize).copied()
    }

    /// A list grows with what is read, never with what is announced.
    pub fn list<T>(&mut self, read: fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = self.u64()?;
        let mut list = Vec::new();
        for _ in 0..length {
            list.push(read(self)?);
        }
        Some(list)
    }

    /// A truth value.
    pub fn truth(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// Sixteen bytes without a length.
    pub fn sixteen(&mut self) -> Option<[u8; 16]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    /// A length, and so many bytes.
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u64()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// One byte.
    pub fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    /// A number of 32 bits.
    pub fn u32(&mut self) -> Option<u32> {
        u32::try_from(self.varint(5)?).ok()
    }

    /// A number of 64 bits.
    pub fn u64(&mut self) -> Option<u64> {
        self.varint(10)
    }

    /// Seven bits a byte, the lowest first, in at most so many bytes. Longer forms than
    /// needed are read, as postcard reads them.
    fn varint(&mut self, most_bytes: u32) -> Option<u64> {
        let mut number = 0;
        for index in 0..most_bytes {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            let placed = bits << (7 * index);
            // Bits that would be shifted out are no number of ours.
            if placed >> (7 * index) != bits {
                return None;
            }
            number |= placed;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_and_a_list_are_read_as_far_as_there_are_bytes() {
        let pick = |bytes: &[u8]| Reader(bytes).pick(&["a", "b"]);
        assert_eq!([pick(&[0]), pick(&[1]), pick(&[2]), pick(&[])], [Some("a"), Some("b"), None, None]);
        let list = |bytes: &[u8]| Reader(bytes).list(Reader::truth);
        assert_eq!(list(&[2, 1, 0]), Some(vec![true, false]));
        assert_eq!(list(&[0]), Some(Vec::new()));
        assert_eq!([list(&[2, 1]), list(&[1, 2]), list(&[0xff, 0xff, 0xff, 0xff, 0x0f, 1])], [None, None, None]);
    }
}
