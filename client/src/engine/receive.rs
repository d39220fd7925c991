//! What the room tells an engine that is attached to it.

use alloc::vec::Vec;

use cowrite_protocol::frame::{Author, Code, Commit, MemberChange, Packed, Remedy, Scope};
use cowrite_protocol::{
    AuthorNumber, Checksum, ClientId, ClientSeq, Cursor, DocumentType, OperationLimits, RunningHash, UserId, Version,
};

use super::lost::Alone;
use super::{ChannelState, Engine, Event, Origin};
use cowrite_protocol::Millis;

/// Where the author of a commit has its caret.
#[derive(Clone, Debug)]
pub(crate) enum AuthorCaret {
    Implied,
    Still,
    At(Cursor),
}

/// How often in a row an operation that was refused for its size is split anew.
const RESIZES: u32 = 8;

impl<D: DocumentType> Engine<D> {
    /// Whether what the room says still concerns the engine: not once it has given the
    /// channel up, though frames may stand behind the one that made it do so.
    pub(crate) fn is_listening(&self) -> bool {
        matches!(self.channel, ChannelState::CatchingUp { .. } | ChannelState::Attached)
    }

    /// The next entry, by a numbered author.
    pub(crate) fn handle_commit(&mut self, commit: &Commit<'_>, caret: AuthorCaret, now: Millis) {
        let version = self.version().next();
        let author = self.authors.iter_mut().find(|author| author.number == commit.author);
        let (Some(author), true) = (author, low_byte(version.get()) == commit.version) else {
            return self.reopen(0);
        };
        let seq = commit.seq.resolve(author.seq.get() + 1).and_then(ClientSeq::new);
        let Some(seq) = seq else { return self.reopen(0) };
        author.seq = seq;
        let (client, user) = (author.client, author.user.clone());
        let Ok(operation) = D::decode(commit.operation.0, &OperationLimits::NONE) else {
            return self.diverged(now);
        };
        self.members.follow::<D>(&operation);
        match caret {
            AuthorCaret::At(cursor) => self.members.set_cursor(commit.author, cursor),
            AuthorCaret::Implied => {
                if let Some(at) = D::implied_caret(&operation) {
                    self.members.set_cursor(commit.author, Cursor::caret(at));
                }
            }
            AuthorCaret::Still => {}
        }
        self.take_entry(version, &client, seq, commit.operation, &operation, Some(user), now);
    }

    /// The next entry of a catch-up.
    pub(crate) fn handle_entry(
        &mut self,
        version: Version,
        client: &ClientId,
        seq: ClientSeq,
        user: UserId,
        operation: Packed<'_>,
        now: Millis,
    ) {
        if version != self.version().next() {
            return self.reopen(0);
        }
        let Ok(decoded) = D::decode(operation.0, &OperationLimits::NONE) else {
            return self.diverged(now);
        };
        if let Some(author) = self.authors.iter_mut().find(|author| author.client == *client) {
            author.seq = seq;
        }
        self.members.follow::<D>(&decoded);
        self.take_entry(version, client, seq, operation, &decoded, Some(user), now);
    }

    /// Our own operation is the next entry. The version and the client_seq are low bytes.
    pub(crate) fn handle_ack(&mut self, seq: u8, version: u8, hash: u8, now: Millis) {
        let next = self.version().next();
        let expected = self.pending.in_flight().is_some_and(|in_flight| low_byte(in_flight.seq.get()) == seq);
        if !expected || low_byte(next.get()) != version {
            // The log holds work of ours that we know nothing of, for instance since it had lost it and
            // has it again: asked for the same once more, it would say the same once more.
            self.resync |= self.is_catching_up();
            return self.reopen(0);
        }
        let (Some(in_flight), Some(position), Some(client)) = (self.pending.settle(), &mut self.position, self.client)
        else {
            return self.reopen(0);
        };
        let mut bytes = Vec::new();
        D::encode(&in_flight.operation, &mut bytes);
        self.past.leave(position);
        position.version = next;
        position.hash = position.hash.advance(next, &client, in_flight.seq, &bytes);
        let agrees = position.hash.byte() == hash;
        self.accepted_seq = in_flight.seq;
        self.ack_deadline = None;
        self.ack_failures = 0;
        self.resized = 0;
        self.retry_at = None;
        self.members.follow::<D>(&in_flight.operation);
        if let Some(own) = self.authors.iter_mut().find(|author| author.client == client) {
            own.seq = in_flight.seq;
        }
        self.accepted_up_to(in_flight.last_edit);
        if D::apply(&mut self.server, &in_flight.operation).is_err() || !agrees {
            return self.diverged(now);
        }
        self.note_accepted(&in_flight.operation);
        self.follow_losses(&in_flight.operation, None);
        self.caught_up(now);
        self.heed_durable();
    }

    /// Our own operation was refused for good.
    pub(crate) fn handle_reject(&mut self, seq: ClientSeq, code: Code, now: Millis) {
        if self.in_flight() != Some(seq) {
            return;
        }
        self.ack_deadline = None;
        self.retry_at = None;
        self.caret.forget_believed();
        // It fitted when it was sealed and has grown since, carried over what others did:
        // it goes again in pieces, each under a client_seq of its own. A server that
        // refuses what it allows is not asked for ever.
        if code == Code::OperationTooLarge && self.resized < RESIZES && self.pending.unseal() {
            self.resized += 1;
            return;
        }
        let from = self.watermarks.accepted + 1;
        if let Some(in_flight) = self.take_in_flight_back(now) {
            self.resized = 0;
            let (to, last_edit) = (in_flight.reaches, in_flight.last_edit);
            let operation = self.over_pending(&in_flight.operation);
            self.event(Event::Rejected { from, to, code, operation });
            self.accepted_up_to(last_edit);
        }
    }

    /// Our own operation was not taken now.
    pub(crate) fn handle_busy(&mut self, seq: ClientSeq, retry_after_ms: u32, now: Millis) {
        if self.in_flight() == Some(seq) {
            self.ack_deadline = None;
            self.caret.forget_believed();
            self.retry_at = Some(now + u64::from(retry_after_ms.max(1)));
        }
    }

    /// All that was missed, as one operation. What is in flight is void, and is sent
    /// again on the new version.
    pub(crate) fn handle_composed(
        &mut self,
        version: Version,
        hash: RunningHash,
        checksum: Checksum,
        authors: Vec<Author>,
        operation: Packed<'_>,
        now: Millis,
    ) {
        if self.position.is_none() {
            return self.reopen(0);
        }
        let Ok(operation) = D::decode(operation.0, &OperationLimits::NONE) else {
            return self.diverged(now);
        };
        // Until it has proved right, nothing may stay of it: the text that is shown and
        // what is pending stand on the version before.
        let Ok(inverse) = D::invert(&operation, &self.server) else { return self.diverged(now) };
        if D::apply(&mut self.server, &operation).is_err() {
            return self.diverged(now);
        }
        if D::checksum(&self.server) != checksum {
            // What was just done can be undone.
            let _ = D::apply(&mut self.server, &inverse);
            return self.diverged(now);
        }
        let Some(position) = &mut self.position else { return self.reopen(0) };
        self.past.forget();
        position.version = version;
        position.hash = hash;
        self.note_accepted(&operation);
        self.authors = authors;
        self.members.follow::<D>(&operation);
        if self.carry_over_pending(&operation, Origin::Remote, None).is_err() {
            return self.diverged(now);
        }
        self.follow_losses(&operation, self.knows_restoration().then_some(Alone(false)));
        if D::length(&self.server).0 == 0 {
            // Perhaps it was deleted: who has written what was missed is not told.
            self.forget_undo();
        }
        self.pending.leap();
        if self.pending.in_flight().is_some() {
            // What it said of the cursor is void as well.
            self.caret.forget_believed();
        }
        self.ack_deadline = None;
        self.caught_up(now);
        self.event(Event::Status);
    }

    pub(crate) fn handle_stalled(&mut self, stalled: bool, now: Millis) {
        self.stalled = stalled;
        if !stalled && self.ack_deadline.is_some() {
            self.handle_sent(now);
        }
        self.event(Event::Status);
    }

    pub(crate) fn handle_author(&mut self, author: Author) {
        match self.authors.iter_mut().find(|known| known.number == author.number) {
            Some(known) => *known = author,
            None => self.authors.push(author),
        }
    }

    pub(crate) fn handle_members(&mut self, changes: Vec<MemberChange>) {
        changes.into_iter().for_each(|change| self.members.change(change));
        self.event(Event::Presence);
    }

    pub(crate) fn handle_cursors(&mut self, version: u8, cursors: Vec<(AuthorNumber, Cursor)>) {
        // A cursor of another version than ours would show a wrong place; the next is near.
        if low_byte(self.version().get()) == version {
            for (number, cursor) in cursors {
                if Some(number) != self.own_number {
                    self.members.set_cursor(number, cursor);
                }
            }
            self.event(Event::Presence);
        }
    }

    /// What we have is right, and this is how far the room has told us. Frames come in order, so if
    /// we are not there, one of them is missing, and after it nothing came that showed it.
    pub(crate) fn handle_verified(&mut self, version: Version) {
        if version > self.version() {
            self.reopen(0);
        }
    }

    pub(crate) fn handle_restored(&mut self, refused: Option<Code>) {
        self.restored(refused);
    }

    /// The room ended the channel.
    pub(crate) fn handle_closed(&mut self, code: Code, retry_after_ms: u32, now: Millis) {
        match code.remedy() {
            Remedy::Stop => self.close(code),
            Remedy::NewClientId => {
                self.detach();
                self.event(Event::Closed { code, remedy: Remedy::NewClientId });
                self.renounce_client(now);
                self.reopen(u64::from(retry_after_ms));
            }
            Remedy::Retry | Remedy::RefreshToken if code == Code::Diverged => self.diverged(now),
            Remedy::Retry | Remedy::RefreshToken => self.reopen(u64::from(retry_after_ms)),
        }
    }

    /// The channel is over for good; the application reads what is pending.
    pub(crate) fn close(&mut self, code: Code) {
        self.detach();
        self.outgoing.clear();
        self.channel = ChannelState::Closed(code);
        self.event(Event::Closed { code, remedy: Remedy::Stop });
        self.event(Event::Status);
    }

    /// The connection that ended for good is to be tried once more.
    pub(crate) fn revive(&mut self) {
        if let ChannelState::Closed(code) = self.channel
            && (code.scope() == Scope::Connection || code == Code::ForeignClient)
        {
            self.channel = ChannelState::Detached;
            self.event(Event::Status);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one entry")]
    fn take_entry(
        &mut self,
        version: Version,
        client: &ClientId,
        seq: ClientSeq,
        bytes: Packed<'_>,
        operation: &D::Operation,
        user: Option<UserId>,
        now: Millis,
    ) {
        let Some(position) = &mut self.position else { return self.reopen(0) };
        if D::apply(&mut self.server, operation).is_err() {
            return self.diverged(now);
        }
        self.past.leave(position);
        position.version = version;
        position.hash = position.hash.advance(version, client, seq, bytes.0);
        self.note_accepted(operation);
        if self.carry_over_pending(operation, Origin::Remote, user).is_err() {
            return self.diverged(now);
        }
        self.follow_losses(operation, self.is_restoration(client).then_some(Alone(true)));
        if client.is_deletion() {
            self.forget_undo();
            self.forget_losses();
        }
        self.caught_up(now);
        self.event(Event::Presence);
    }
}

/// What a frame carries of a number that both sides know.
fn low_byte(number: u64) -> u8 {
    number.to_le_bytes()[0]
}
