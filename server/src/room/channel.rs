//! One connection's view of the room.

use cowrite_protocol::frame::{Code, Role};
use cowrite_protocol::{AuthorNumber, ClientId, ClientSeq, Generation, UserId, Version};

use super::gate::Gate;

/// What the room knows of one open channel.
#[derive(Debug)]
pub(super) struct ChannelState {
    pub(super) gate: Gate,
    /// Names this stay in the room: a connection that opens anew begins another, and what the room
    /// took from it before is no part of that.
    pub(super) stay: u64,
    pub(super) client: ClientId,
    pub(super) generation: Generation,
    pub(super) user: UserId,
    /// The role that the client was told when it opened.
    pub(super) role: Role,
    pub(super) number: AuthorNumber,
    /// The last version that was queued for the channel, one way or another.
    pub(super) sent: Version,
    pub(super) flow: Flow,
    /// A submit on a base below this one crossed a composed catch-up, and is void.
    pub(super) void_below: Version,
    /// The durable watermark that it has heard of.
    pub(super) durable: Version,
    /// The client's last client_seq in the log, and its version.
    pub(super) last: Option<(ClientSeq, Version)>,
    /// The last rejection, repeated if the operation comes again.
    pub(super) rejected: Option<(ClientSeq, Code)>,
    /// The answer to a restoration, which waits until the channel has been told the text up to this version: with
    /// less of it a client would take for missing what is on its way.
    pub(super) restoration: Option<(Version, Option<Code>)>,
    /// What the channel carried up last.
    pub(super) carried_seq: u64,
    pub(super) carried_base: u64,
    /// The receiver does not know who is here.
    pub(super) presence_missing: bool,
    /// The receiver may not know which numbers authors have.
    pub(super) authors_missing: bool,
}

/// Whether commits go to the channel as they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// They do.
    InStep,
    /// The channel has missed some; it catches up once its queue has drained.
    Lagging {
        /// Whether it has.
        drained: bool,
    },
}

impl ChannelState {
    pub(super) fn is_in_step(&self) -> bool {
        self.flow == Flow::InStep
    }

    pub(super) fn drained(&mut self) {
        if let Flow::Lagging { drained } = &mut self.flow {
            *drained = true;
        }
    }
}
