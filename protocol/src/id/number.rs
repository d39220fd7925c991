//! The numbers of a history. Each is its own type, so that none stands in for another.

use core::fmt;
use core::num::NonZeroU64;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// The number of committed operations of a document; 0 is the empty document.
///
/// An entry bears the number *after* it. A version is at most 2^53 − 1, so that
/// JavaScript can hold it; [`Version::next`] is the only way up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Version(u64);

impl Version {
    /// The version of the empty document, before its first operation.
    pub const ZERO: Version = Version(0);
    /// The highest version that exists: 2^53 − 1.
    pub const MAX: Version = Version((1 << 53) - 1);

    /// The version with this number, or `None` above [`Version::MAX`].
    pub const fn new(number: u64) -> Option<Version> {
        if number <= Version::MAX.0 { Some(Version(number)) } else { None }
    }

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The version after one more entry. At [`Version::MAX`] it stays there; a
    /// document would need 28,000 years at 10,000 edits a second to reach it.
    #[must_use]
    pub const fn next(self) -> Version {
        self.plus(1)
    }

    /// The version after `entries` more entries, at most [`Version::MAX`].
    #[must_use]
    pub const fn plus(self, entries: u64) -> Version {
        let sum = self.0.saturating_add(entries);
        if sum > Version::MAX.0 { Version::MAX } else { Version(sum) }
    }

    /// How many entries lie between `earlier` and this version; 0 if it is not earlier.
    pub const fn since(self, earlier: Version) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Version::new(u64::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("version"))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Numbers the edits of one client on one document: from 1, strictly rising, never
/// reused for other content, and kept across reconnects. 0 stands for "none yet".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ClientSeq(u64);

impl ClientSeq {
    /// Before the first edit.
    pub const NONE: ClientSeq = ClientSeq(0);
    /// The highest number that exists: 2^53 − 1.
    pub const MAX: ClientSeq = ClientSeq((1 << 53) - 1);
    /// How far a client_seq may jump ahead of the last one of the log.
    pub const MAX_JUMP: u64 = 1 << 20;

    /// The client_seq with this number, or `None` above [`ClientSeq::MAX`].
    pub const fn new(number: u64) -> Option<ClientSeq> {
        if number <= ClientSeq::MAX.0 { Some(ClientSeq(number)) } else { None }
    }

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The number of the next edit; stays at [`ClientSeq::MAX`].
    #[must_use]
    pub const fn next(self) -> ClientSeq {
        if self.0 < ClientSeq::MAX.0 { ClientSeq(self.0 + 1) } else { self }
    }
}

impl<'de> Deserialize<'de> for ClientSeq {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ClientSeq::new(u64::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("client_seq"))
    }
}

impl fmt::Display for ClientSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which life of a document's log this is. A document never written has none.
///
/// It is random, so that two lives of one document never bear the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(NonZeroU64);

impl Epoch {
    /// The epoch of this name, or `None` for 0.
    pub const fn new(name: u64) -> Option<Epoch> {
        match NonZeroU64::new(name) {
            Some(name) => Some(Epoch(name)),
            None => None,
        }
    }

    /// The epoch made of random bits; of 0, which is no name, it makes 1.
    pub const fn from_random(bits: u64) -> Epoch {
        match NonZeroU64::new(bits) {
            Some(name) => Epoch(name),
            None => Epoch(NonZeroU64::MIN),
        }
    }

    /// The name itself.
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Which stay of a client id is the live one. Every `Open` that presents the id
/// raises it; an append by an older one is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Generation(u64);

impl Generation {
    /// Before the first `Open`.
    pub const NONE: Generation = Generation(0);

    /// The generation with this number.
    pub const fn new(number: u64) -> Generation {
        Generation(number)
    }

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The generation of the next `Open`.
    #[must_use]
    pub const fn next(self) -> Generation {
        Generation(self.0.saturating_add(1))
    }
}

/// The number under which a server knows an open room; it names a document on the
/// wire once `Opened` has been seen, and is the same for every connection of the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Channel(pub u32);

/// The number by which a room names one author or member in its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AuthorNumber(pub u32);
