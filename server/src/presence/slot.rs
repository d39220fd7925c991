//! One number of a room: an author, a member, or both.

use cowrite_protocol::frame::{Activity, Member};
use cowrite_protocol::{AuthorNumber, ClientId, ClientSeq, Cursor, DocumentType, Generation, Millis, UserId, Version};

use super::message::SenderName;
use crate::sequencer::Tail;

/// Whom a number names, and what is shown of it.
///
/// **Invariant:** if the member is both here and elsewhere, the stay here is displaced:
/// of two stays of one client the newer is shown, and there is one entry for it.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) client: ClientId,
    pub(super) user: UserId,
    /// Whether it has been announced as an author, and its last client_seq in the log.
    pub(super) author: bool,
    pub(super) seq: ClientSeq,
    /// Its stay on a channel of this room.
    pub(super) here: Option<Here>,
    /// Its stay at a room of another server.
    pub(super) elsewhere: Option<Elsewhere>,
    /// Where its cursor is, carried to some version.
    pub(super) cursor: Option<(Version, Cursor)>,
    /// The version at which its cursor was last said or implied.
    pub(super) stated: Version,
    /// Not yet told to the channels.
    pub(super) changed: bool,
    pub(super) moved: bool,
    /// Not yet told to other servers, and not to be inferred by them.
    pub(super) cursor_untold: bool,
}

/// One stay of a client, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stay {
    pub(super) generation: Generation,
    /// Rises with each change, so that others notice that they have missed one.
    pub(super) revision: u32,
    pub(super) name: String,
    pub(super) activity: Activity,
    pub(super) state: String,
}

/// A stay on a channel of this room.
#[derive(Debug)]
pub(super) struct Here {
    pub(super) stay: Stay,
    /// A newer stay was seen elsewhere: this channel is a relic, unless its client shows a
    /// sign of life when nobody newer is known any more, or does not fall silent then.
    pub(super) displaced: bool,
    /// Since when nobody newer is known any more.
    pub(super) alone_since: Option<Millis>,
    /// Nothing is heard of it: it may be gone, and is not shown.
    pub(super) silent: bool,
    /// Not yet told to other servers.
    pub(super) untold: bool,
}

impl Here {
    pub(super) fn is_told(&self) -> bool {
        !self.displaced && !self.silent
    }

    /// Whether the newer stay may have been of a log that counted further than this one does.
    pub(super) fn is_doubtful(&self) -> bool {
        self.displaced && !self.silent
    }
}

/// A stay at a room of another server.
#[derive(Debug)]
pub(super) struct Elsewhere {
    pub(super) stay: Stay,
    pub(super) sender: SenderName,
    pub(super) heard: Millis,
    /// Whether the summary that is being read names it.
    pub(super) named: bool,
}

impl Slot {
    pub(super) fn new(client: ClientId, user: UserId) -> Slot {
        Slot {
            client,
            user,
            author: false,
            seq: ClientSeq::NONE,
            here: None,
            elsewhere: None,
            cursor: None,
            stated: Version::ZERO,
            changed: false,
            moved: false,
            cursor_untold: false,
        }
    }

    /// The stay that is shown, if the client has the document open.
    pub(super) fn shown(&self) -> Option<&Stay> {
        self.elsewhere.as_ref().map(|elsewhere| &elsewhere.stay).or_else(|| self.told().map(|here| &here.stay))
    }

    /// The stay here, if this server is the one to tell of it.
    pub(super) fn told(&self) -> Option<&Here> {
        self.here.as_ref().filter(|here| here.is_told())
    }

    /// Whether the number is nobody's but an author's who is not here.
    pub(super) fn is_vacant(&self) -> bool {
        self.here.is_none() && self.elsewhere.is_none()
    }

    pub(super) fn member(&self, number: AuthorNumber) -> Option<Member> {
        self.shown().map(|stay| Member {
            number,
            user: self.user.clone(),
            name: stay.name.clone(),
            activity: stay.activity,
            state: stay.state.clone(),
        })
    }

    /// Carries the cursor to the head and keeps it there; one below the tail is dropped.
    pub(super) fn cursor_at_head<D: DocumentType>(&mut self, tail: &Tail<D>) -> Option<Cursor> {
        let (version, cursor) = self.cursor.as_mut()?;
        let Some(since) = tail.after(*version) else {
            self.cursor = None;
            return None;
        };
        since.for_each(|entry| cursor.map::<D>(&entry.operation));
        if let Some(length) = tail.length_at(tail.head()) {
            cursor.clamp(length.0);
        }
        *version = tail.head();
        Some(cursor.clone())
    }
}
