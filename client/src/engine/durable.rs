//! Which of our edits are durable, where the log says so apart from accepting them.

use cowrite_protocol::{DocumentType, Version};

use super::{ChannelState, Engine, Event};

/// What is known of it on this channel. Edits are counted, and versions are durable; the
/// two meet where we stand in step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DurableState {
    /// The newest watermark.
    version: Version,
    /// A version at which we stood, and how many edits were accepted by then.
    mark: Option<(Version, u64)>,
}

impl<D: DocumentType> Engine<D> {
    /// Entries up to this version are durable.
    pub(crate) fn handle_durable(&mut self, version: Version) {
        self.durability_known.version = self.durability_known.version.max(version);
        self.heed_durable();
    }

    /// Raises the watermark as far as is known.
    pub(super) fn heed_durable(&mut self) {
        // While we catch up, an edit may be accepted at a version that is still to come.
        if self.channel != ChannelState::Attached {
            return;
        }
        // Of what was accepted and lost, the log's watermark says nothing until it is decided.
        if self.held {
            return;
        }
        let (here, accepted) = (self.version(), self.watermarks.accepted);
        let DurableState { version, mark } = &mut self.durability_known;
        let mut durable = self.watermarks.durable;
        if let Some((_, edits)) = mark.take_if(|(at, _)| *at <= *version) {
            durable = durable.max(edits);
        }
        if *version >= here {
            durable = durable.max(accepted);
        } else if mark.is_none() && accepted > durable {
            // Without a mark a writer who never pauses would never hear of it.
            *mark = Some((here, accepted));
        }
        if durable != self.watermarks.durable {
            self.watermarks.durable = durable;
            self.event(Event::Status);
        }
    }
}
