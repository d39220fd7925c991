//! Numbers, texts and lists from bytes, as postcard writes them.

/// What is left of a message. Every step gives `None` where the bytes are not what it reads.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// One of these, by its place.
    pub(super) fn pick<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let place = self.u32()?;
        all.get(place as usize).copied()
    }

    /// A list grows with what is read, never with what is announced.
    pub(super) fn list<T>(&mut self, read: fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = self.u64()?;
        let mut list = Vec::new();
        for _ in 0..length {
            list.push(read(self)?);
        }
        Some(list)
    }

    pub(super) fn truth(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(super) fn sixteen(&mut self) -> Option<[u8; 16]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u64()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        u32::try_from(self.varint(5)?).ok()
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.varint(10)
    }

    /// Seven bits a byte, the lowest first, in at most so many bytes. Longer forms than
    /// needed are read, as postcard reads them.
    pub(super) fn varint(&mut self, most_bytes: u32) -> Option<u64> {
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
