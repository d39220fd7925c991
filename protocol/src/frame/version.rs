//! The number of the wire itself.

use serde::{Deserialize, Serialize};

/// The version of the wire. It travels in `Hello` and `Welcome` only.
///
/// * 1: the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProtocolVersion(pub u8);

impl ProtocolVersion {
    /// The newest version that this build speaks.
    pub const NEWEST: ProtocolVersion = ProtocolVersion(1);
    /// The oldest version that this build speaks.
    pub const OLDEST: ProtocolVersion = ProtocolVersion(1);
    /// The WebSocket subprotocol of all versions.
    pub const SUBPROTOCOL: &'static str = "cowrite.v1";

    /// The newest version that both sides speak, if there is one.
    pub fn agree(oldest: ProtocolVersion, newest: ProtocolVersion) -> Option<ProtocolVersion> {
        let common = newest.min(Self::NEWEST);
        (common >= oldest && common >= Self::OLDEST).then_some(common)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_that_both_speak_is_spoken() {
        let agree = |oldest, newest| ProtocolVersion::agree(ProtocolVersion(oldest), ProtocolVersion(newest));
        let ours = ProtocolVersion::NEWEST.0;
        assert_eq!(agree(1, ours), Some(ProtocolVersion::NEWEST));
        assert_eq!(agree(1, ours + 5), Some(ProtocolVersion::NEWEST));
        assert_eq!(agree(ours + 1, ours + 5), None, "a client of a later time");
        assert_eq!(agree(0, ProtocolVersion::OLDEST.0 - 1), None, "one that is too old");
    }
}
