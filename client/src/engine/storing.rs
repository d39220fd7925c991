//! When a document is written to the device's store, and what waits for that.

use alloc::vec::Vec;

use cowrite_protocol::frame::{Position, Role};
use cowrite_protocol::{ClientId, ClientSeq, DocumentType, Millis, UserId};

use super::{Engine, Event, Record};

/// While somebody types, a record is written this often at most; but always before a submit.
const WORK_MS: u64 = 100;
/// What only others have changed costs a shorter catch-up, and is not urgent.
const POSITION_MS: u64 = 2_000;
/// A store that failed is tried again after this time.
const RETRY_MS: u64 = 30_000;
/// The same while a submit has to wait for it.
const HELD_MS: u64 = 1_000;
/// The base is written anew once what has happened since is larger than this and than a part of it.
const SINCE_BYTES: usize = 4 << 10;
const SINCE_PART: usize = 8;
const SINCE_COMPONENTS: usize = 256;

/// What became of a record that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The store holds it, and would after a crash of the page.
    Stored,
    /// The store may hold it, or the one before.
    Failed,
    /// The store could not take it, and holds nothing of the document and user any more.
    Emptied,
    /// The store had lost what the record stands on, and has not taken it: it is asked to store the
    /// whole at once.
    Missing,
}

/// What the device's store holds of a document, as far as is known.
#[derive(Debug)]
pub(super) struct Storing<D: DocumentType> {
    /// What the next work is written on; without one, a base is written with it.
    base: Option<Base<D>>,
    /// What was written last.
    written: Option<Mark>,
    /// What is being written, and under which number.
    writing: Option<(u32, Mark)>,
    next_ticket: u32,
    /// The work that the stored record holds.
    known: Option<WorkMark>,
    /// All edits up to this one are stored.
    edits: u64,
    /// The store has failed.
    failed: bool,
    /// The work in records that the store may hold, of those that have any.
    held: Vec<WorkMark>,
    last: Option<Millis>,
    pub(super) due: Option<Millis>,
}

/// The base that is stored.
#[derive(Debug)]
pub(super) struct Base<D: DocumentType> {
    /// Its checksum.
    pub(super) name: u64,
    /// Its size.
    pub(super) bytes: usize,
    /// What leads from it to the accepted text.
    pub(super) since: D::Operation,
}

/// What tells two records apart without looking into them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Mark {
    work: WorkMark,
    position: Option<Position>,
    based: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct WorkMark {
    client: Option<ClientId>,
    last_seq: ClientSeq,
    /// And in which form, by how often it has leapt.
    in_flight: Option<(ClientSeq, u32)>,
    buffering: bool,
    local: u64,
    accepted: u64,
    proposals: (u32, usize),
    resync: bool,
    role: Role,
    reviewing: bool,
}

impl Mark {
    /// The work, if there is any in it.
    fn held(&self) -> Option<WorkMark> {
        (self.work.buffering || self.work.in_flight.is_some()).then_some(self.work)
    }
}

impl<D: DocumentType> Storing<D> {
    /// A store that holds nothing of the document yet.
    pub(super) fn empty() -> Storing<D> {
        Storing {
            base: None,
            written: None,
            writing: None,
            next_ticket: 1,
            known: None,
            edits: 0,
            failed: false,
            held: Vec::new(),
            last: None,
            due: None,
        }
    }

    /// A store that holds the record that was just read.
    pub(super) fn restored(base: Base<D>) -> Storing<D> {
        Storing { base: Some(base), ..Storing::empty() }
    }
}

impl<D: DocumentType> Engine<D> {
    /// The host keeps the document from here on.
    pub(crate) fn store(&mut self) {
        self.storing.get_or_insert_with(Storing::empty);
    }

    /// What was just read needs no writing.
    pub(super) fn note_restored(&mut self) {
        let (mark, edits) = (self.mark(true), self.watermarks.local);
        if let Some(storing) = &mut self.storing {
            storing.known = Some(mark.work);
            storing.edits = edits;
            storing.written = Some(mark);
            storing.held = mark.held().into_iter().collect();
        }
    }

    /// Whether the operation in flight waits until the store knows of it, in the form in which it is to be sent.
    pub(super) fn awaits_store(&self) -> bool {
        let (Some(storing), Some(in_flight)) = (&self.storing, self.pending.in_flight()) else { return false };
        let form = Some((in_flight.seq, in_flight.leaps));
        let known = storing.known.is_some_and(|work| work.client == self.client && work.in_flight == form);
        if in_flight.sent || known {
            return false;
        }
        // Without a store that works all goes on, as long as nothing can be sent twice: an old
        // record of ours is known by the log's last client_seq, but only if it names this client.
        !storing.failed || storing.held.iter().any(|work| work.client != self.client)
    }

    /// Whether a store that does not work may hold what is in flight in another form than the one to be sent, under
    /// the same client_seq.
    pub(super) fn is_held_otherwise(&self) -> bool {
        let (Some(storing), Some(in_flight)) = (&self.storing, self.pending.in_flight()) else { return false };
        let otherwise = |work: &WorkMark| {
            work.in_flight.is_some_and(|(seq, leaps)| seq == in_flight.seq && leaps != in_flight.leaps)
        };
        storing.failed && !in_flight.sent && storing.held.iter().any(otherwise)
    }

    /// Whether a copy of the store may hold work that is pending here.
    pub(super) fn may_be_copied(&self) -> bool {
        let of_ours = |work: &WorkMark| work.client == self.client;
        self.storing.as_ref().is_some_and(|storing| {
            let writing = storing.writing.as_ref().and_then(|(_, mark)| mark.held());
            writing.as_ref().is_some_and(of_ours) || storing.held.iter().any(of_ours)
        })
    }

    /// All edits up to the one given are stored; `None` where nothing is.
    pub(super) fn stored_edits(&self) -> Option<u64> {
        self.storing.as_ref().filter(|storing| !storing.failed).map(|storing| storing.edits)
    }

    /// Whether the store works, as far as is known.
    pub(crate) fn is_stored(&self) -> bool {
        self.storing.as_ref().is_some_and(|storing| !storing.failed)
    }

    /// When [`Engine::poll_store`] is to be asked again.
    pub(crate) fn store_timeout(&self) -> Option<Millis> {
        self.storing.as_ref().and_then(|storing| storing.due)
    }

    /// The record that the host should store now, with the number of this write.
    pub(crate) fn poll_store(&mut self, user: &UserId, now: Millis) -> Option<(u32, Record)> {
        let urgent = self.awaits_store();
        let based = self.storing.as_ref()?.base.is_some();
        let mark = self.mark(based);
        let storing = self.storing.as_mut()?;
        storing.due = None;
        if storing.writing.is_some() || mark.position.is_none() || storing.written == Some(mark) {
            return None;
        }
        let wait = match storing.written {
            _ if storing.failed && !urgent => RETRY_MS,
            _ if storing.failed => HELD_MS,
            Some(written) if written.work == mark.work => POSITION_MS,
            _ => WORK_MS,
        };
        let due = storing.last.map_or(now, |last| last + wait);
        if due > now && (!urgent || storing.failed) {
            storing.due = Some(due);
            return None;
        }
        self.take_record(user, now)
    }

    /// The record as it is now, if the store does not hold it already: before the end.
    pub(crate) fn last_record(&mut self, user: &UserId, now: Millis) -> Option<(u32, Record)> {
        let mark = self.mark(self.storing.as_ref()?.base.is_some());
        let storing = self.storing.as_ref()?;
        let held = storing.written == Some(mark) && !storing.failed;
        if mark.position.is_some() && !held { self.take_record(user, now) } else { None }
    }

    /// The write with this number has ended.
    pub(crate) fn handle_stored(&mut self, ticket: u32, written: Written) {
        let Some(storing) = &mut self.storing else { return };
        let Some((_, mark)) = storing.writing.take_if(|(writing, _)| *writing == ticket) else { return };
        storing.failed = matches!(written, Written::Failed | Written::Emptied);
        if written != Written::Failed {
            storing.held.clear();
        }
        if matches!(written, Written::Stored | Written::Failed) {
            storing.held.extend(mark.held());
        }
        if written == Written::Stored {
            storing.known = Some(mark.work);
            storing.edits = mark.work.local;
        } else {
            // Which record the store holds is not known, so the next one brings its base.
            (storing.base, storing.written, storing.known) = (None, None, None);
            storing.held.dedup();
        }
        self.event(Event::Status);
    }

    /// The accepted text has changed by an operation.
    pub(super) fn note_accepted(&mut self, operation: &D::Operation) {
        let Some(storing) = &mut self.storing else { return };
        let since = storing.base.as_ref().and_then(|base| D::compose(&base.since, operation).ok());
        let few = |since: &D::Operation| D::components(since) <= SINCE_COMPONENTS;
        match (since.filter(few), &mut storing.base) {
            (Some(since), Some(base)) => base.since = since,
            _ => storing.base = None,
        }
    }

    /// The accepted text is another one.
    pub(super) fn note_replaced(&mut self) {
        if let Some(storing) = &mut self.storing {
            storing.base = None;
        }
    }

    fn take_record(&mut self, user: &UserId, now: Millis) -> Option<(u32, Record)> {
        if !self.pending.settle_buffer() {
            return None;
        }
        let large = |base: &Base<D>| {
            let mut since = Vec::new();
            D::encode(&base.since, &mut since);
            since.len() > SINCE_BYTES.max(base.bytes / SINCE_PART)
        };
        let mut storing = self.storing.take().unwrap_or_else(Storing::empty);
        let mut written = None;
        let base = match storing.base.take().filter(|base| !large(base)) {
            Some(base) => base,
            None => {
                let (bytes, name) = self.write_base();
                let base = Base { name, bytes: bytes.len(), since: D::identity() };
                written = Some(bytes);
                base
            }
        };
        let work = self.write_work(user, base.name, &base.since, now);
        let (mark, ticket) = (self.mark(true), storing.next_ticket);
        storing.next_ticket = ticket.wrapping_add(1);
        (storing.base, storing.written, storing.writing) = (Some(base), Some(mark), Some((ticket, mark)));
        storing.last = Some(now);
        self.storing = Some(storing);
        let (document, pending) = (self.document.clone(), self.holds_pending());
        Some((ticket, Record { document, user: user.clone(), base: written, work, pending }))
    }

    fn mark(&self, based: bool) -> Mark {
        Mark {
            work: WorkMark {
                client: self.client,
                last_seq: self.last_seq,
                in_flight: self.pending.in_flight().map(|in_flight| (in_flight.seq, in_flight.leaps)),
                buffering: self.pending.buffer().is_some(),
                local: self.watermarks.local,
                accepted: self.watermarks.accepted,
                proposals: (self.next_proposal, self.proposals.len()),
                resync: self.resync,
                role: self.role,
                reviewing: self.awaits_review(),
            },
            position: self.position,
            based,
        }
    }
}
