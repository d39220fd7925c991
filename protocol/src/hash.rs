//! The identity of a history, and of a text.

use core::hash::Hasher;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher24;
use siphasher::sip128::{Hasher128, SipHasher24 as SipHasher24x128};

use crate::id::{ClientId, ClientSeq, Version};

/// A hash over the whole history up to a version: 128 bits of SipHash-2-4 with the
/// zero key, over the previous hash, the version, the author, its client_seq and the
/// frozen encoding of the operation. At version 0 it is zero.
///
/// Versions and epochs alone do not tell two histories apart once a failover has lost
/// entries and their versions were used again; this does. It proves the history, not
/// the text: for that there is [`Checksum`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RunningHash([u8; 16]);

impl RunningHash {
    /// The hash at version 0.
    pub const ZERO: RunningHash = RunningHash([0; 16]);

    /// The hash of these bytes, as they were stored or sent.
    pub const fn from_bytes(bytes: [u8; 16]) -> RunningHash {
        RunningHash(bytes)
    }

    /// The bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The hash after one more entry: `version` is the number after it, `operation`
    /// its frozen encoding in normal form. Cost: linear in that encoding.
    #[must_use]
    pub fn advance(self, version: Version, client: &ClientId, seq: ClientSeq, operation: &[u8]) -> RunningHash {
        let mut hasher = SipHasher24x128::new();
        hasher.write(&self.0);
        hasher.write(&version.get().to_le_bytes());
        hasher.write(client.as_bytes());
        hasher.write(&seq.get().to_le_bytes());
        hasher.write(operation);
        let hash = hasher.finish128();
        let (mut bytes, low, high) = ([0; 16], hash.h1.to_le_bytes(), hash.h2.to_le_bytes());
        bytes[..8].copy_from_slice(&low);
        bytes[8..].copy_from_slice(&high);
        RunningHash(bytes)
    }

    /// The first byte: what an ack carries.
    pub const fn byte(self) -> u8 {
        self.0[0]
    }

    /// The first eight bytes as a number: what a heartbeat carries.
    pub const fn short(self) -> u64 {
        let b = self.0;
        u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])
    }
}

/// A checksum of a whole document at a version, whatever way led there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Checksum(pub u64);

/// Computes a [`Checksum`] piece by piece: 64 bits of SipHash-2-4 with the zero key.
#[derive(Default)]
pub struct Checksummer(SipHasher24);

impl Checksummer {
    /// Takes in the next bytes of the document's content.
    pub fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// The checksum of all that was written.
    pub fn finish(&self) -> Checksum {
        Checksum(self.0.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_an_entry_is_in_the_hash() {
        let (version, seq) = (Version::new(7).unwrap(), ClientSeq::new(3).unwrap());
        let client = ClientId::from_bytes([1; 16]);
        let hash = RunningHash::ZERO.advance(version, &client, seq, b"op");
        assert_eq!(hash, RunningHash::ZERO.advance(version, &client, seq, b"op"));
        assert_ne!(hash, hash.advance(version, &client, seq, b"op"));
        assert_ne!(hash, RunningHash::ZERO.advance(version.next(), &client, seq, b"op"));
        assert_ne!(hash, RunningHash::ZERO.advance(version, &ClientId::from_bytes([2; 16]), seq, b"op"));
        assert_ne!(hash, RunningHash::ZERO.advance(version, &client, seq.next(), b"op"));
        assert_ne!(hash, RunningHash::ZERO.advance(version, &client, seq, b"oq"));
    }

    /// The hash is stored in logs and sent on the wire: it may never change.
    #[test]
    fn the_hash_is_frozen() {
        let hash = RunningHash::ZERO.advance(
            Version::ZERO.next(),
            &ClientId::from_bytes([1; 16]),
            ClientSeq::NONE.next(),
            b"op",
        );
        assert_eq!(hash.short(), GOLDEN);
    }
    const GOLDEN: u64 = 0x4896_f733_0045_da20;
}
