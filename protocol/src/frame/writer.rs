//! Numbers, texts and lists to bytes, as postcard writes them, for what is kept and not sent.

use alloc::vec::Vec;

/// Bytes that grow; the other half of [`Reader`](super::Reader).
#[derive(Clone, Debug, Default)]
pub struct Writer(pub Vec<u8>);

impl Writer {
    /// One byte.
    pub fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// A truth value.
    pub fn truth(&mut self, value: bool) {
        self.byte(u8::from(value));
    }

    /// A number: seven bits a byte, the lowest first.
    pub fn u64(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.byte(number.to_le_bytes()[0]);
    }

    /// Sixteen bytes without a length.
    pub fn sixteen(&mut self, bytes: &[u8; 16]) {
        self.0.extend_from_slice(bytes);
    }

    /// A length, and so many bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.u64(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// Nothing, or one of these.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Writer, T)) {
        self.truth(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Reader;
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut writer = Writer::default();
        for number in [0, 127, 128, 16_384, u64::from(u32::MAX), u64::MAX] {
            writer.u64(number);
        }
        writer.truth(true);
        writer.sixteen(&[7; 16]);
        writer.bytes(b"text");
        writer.option(None::<u8>, Writer::byte);
        writer.option(Some(9), Writer::byte);
        let mut reader = Reader(&writer.0);
        for number in [0, 127, 128, 16_384, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(reader.u64(), Some(number));
        }
        assert_eq!((reader.truth(), reader.sixteen(), reader.bytes()), (Some(true), Some([7; 16]), Some(&b"text"[..])));
        assert_eq!((reader.truth(), reader.truth(), reader.byte()), (Some(false), Some(true), Some(9)));
        assert_eq!(reader.byte(), None);
        assert_eq!(postcard::to_allocvec(&u64::MAX).unwrap(), {
            let mut writer = Writer::default();
            writer.u64(u64::MAX);
            writer.0
        });
    }
}
