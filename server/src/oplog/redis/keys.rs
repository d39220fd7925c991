//! The names of a document's keys and channels.

use cowrite_protocol::DocumentId;

use crate::redis::slot_of;

/// All names of one document. An id holds no brace, so it is the hash tag as it stands.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) slot: u16,
    pub(super) state: String,
    pub(super) log: String,
    pub(super) snapshot: String,
    pub(super) previous: String,
    /// Where a log goes that does not belong to the surviving history.
    pub(super) damaged: String,
    /// The channel of committed batches.
    pub(super) live: String,
}

impl Keys {
    pub(super) fn new(prefix: &str, document: &DocumentId) -> Keys {
        let name = |kind| format!("{prefix}:{{{document}}}:{kind}");
        Keys {
            slot: slot_of(&format!("{{{document}}}")),
            state: name("state"),
            log: name("log"),
            snapshot: name("snapshot"),
            previous: name("previous"),
            damaged: name("damaged"),
            live: name("live"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_of_a_document_are_in_one_slot() {
        let keys = Keys::new("cowrite", &"a:b-c".parse().unwrap());
        assert_eq!(keys.log, "cowrite:{a:b-c}:log");
        for name in [&keys.state, &keys.log, &keys.snapshot, &keys.previous, &keys.damaged, &keys.live] {
            assert_eq!(slot_of(name), keys.slot, "{name}");
        }
    }
}
