//! The numbers of a room's authors and members, and what is shown of them.

use cowrite_protocol::frame::{Activity, Author, Member, MemberChange};
use cowrite_protocol::{AuthorNumber, ClientId, ClientSeq, Cursor, DocumentType, UserId, Version};

use crate::sequencer::{SubmittedCaret, Tail};

/// Everybody whom the room's frames name by a number. A number is free again when its
/// member has left; an author who is not a member has one until it is needed.
#[derive(Debug, Default)]
pub struct Roster {
    slots: Vec<Option<Slot>>,
    /// Numbers of members that left since the last tick.
    left: Vec<AuthorNumber>,
}

#[derive(Debug)]
struct Slot {
    client: ClientId,
    user: UserId,
    name: String,
    state: String,
    activity: Activity,
    /// Whether it has the document open.
    present: bool,
    /// Whether it has been announced as an author, and its last client_seq in the log.
    author: bool,
    seq: ClientSeq,
    cursor: Option<(Version, Cursor)>,
    changed: bool,
    moved: bool,
}

impl Roster {
    /// A member comes in; gives its number.
    pub fn join(&mut self, client: ClientId, user: &UserId, name: &str, state: &str) -> AuthorNumber {
        let number = self.number_of(&client).unwrap_or_else(|| self.assign(client, user));
        if let Some(slot) = self.slot(number) {
            (slot.present, slot.changed, slot.activity) = (true, true, Activity::Active);
            name.clone_into(&mut slot.name);
            state.clone_into(&mut slot.state);
        }
        number
    }

    /// A member leaves; its number is free.
    pub fn leave(&mut self, number: AuthorNumber) {
        if let Some(slot) = self.slots.get_mut(number.0 as usize) {
            *slot = None;
            self.left.push(number);
        }
    }

    /// The last client_seq in the log of an announced author.
    pub fn seq_of(&self, client: &ClientId) -> Option<ClientSeq> {
        self.slots.iter().flatten().find(|slot| slot.client == *client && slot.author).map(|slot| slot.seq)
    }

    /// The number of an entry's author; and how to announce it, if that was not done yet.
    pub fn author(&mut self, client: ClientId, user: &UserId) -> (AuthorNumber, Option<Author>) {
        let number = self.number_of(&client).unwrap_or_else(|| self.assign(client, user));
        let new = self.slot(number).and_then(|slot| {
            let new = !std::mem::replace(&mut slot.author, true);
            new.then(|| Author { number, client, user: slot.user.clone(), seq: ClientSeq::NONE })
        });
        (number, new)
    }

    /// All announced authors, as a receiver at the head needs to know them.
    pub fn authors(&self) -> Vec<Author> {
        let numbered = self.numbered().filter(|(_, slot)| slot.author);
        numbered
            .map(|(number, slot)| Author { number, client: slot.client, user: slot.user.clone(), seq: slot.seq })
            .collect()
    }

    /// An entry of this author was committed.
    pub fn committed<D: DocumentType>(
        &mut self,
        number: AuthorNumber,
        seq: ClientSeq,
        version: Version,
        operation: &D::Operation,
        caret: SubmittedCaret,
    ) {
        let Some(slot) = self.slot(number) else { return };
        slot.seq = seq;
        // Receivers infer the same from the commit, so nothing has to be sent.
        match caret {
            SubmittedCaret::Still => {}
            SubmittedCaret::At(cursor) => slot.cursor = Some((version, cursor)),
            SubmittedCaret::Implied => {
                if let Some(at) = D::implied_caret(operation) {
                    slot.cursor = Some((version, Cursor::caret(at)));
                }
            }
        }
    }

    /// A member's cursor, at a version. The last one wins.
    pub fn set_cursor(&mut self, number: AuthorNumber, version: Version, cursor: Cursor) {
        if let Some(slot) = self.slot(number) {
            slot.cursor = Some((version, cursor));
            slot.moved = true;
        }
    }

    /// A member's activity and state.
    pub fn set_state(&mut self, number: AuthorNumber, activity: Activity, state: Option<String>) {
        if let Some(slot) = self.slot(number) {
            slot.activity = activity;
            slot.state = state.unwrap_or_else(|| std::mem::take(&mut slot.state));
            slot.changed = true;
        }
    }

    /// Whether anything is to be told.
    pub fn is_dirty(&self) -> bool {
        !self.left.is_empty() || self.slots.iter().flatten().any(|slot| slot.present && (slot.changed || slot.moved))
    }

    /// How many cursors have moved since the last tick.
    pub fn moving(&self) -> usize {
        self.slots.iter().flatten().filter(|slot| slot.moved).count()
    }

    /// Who left, joined or changed since the last tick.
    pub fn take_changes(&mut self) -> Vec<MemberChange> {
        let mut changes: Vec<_> = std::mem::take(&mut self.left).into_iter().map(MemberChange::Left).collect();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if let Some(slot) = slot
                && slot.present
                && std::mem::take(&mut slot.changed)
            {
                changes.push(MemberChange::Here(slot.member(number_at(index))));
            }
        }
        changes
    }

    /// The cursors that moved since the last tick, at the head of the tail.
    pub fn take_cursors<D: DocumentType>(&mut self, tail: &Tail<D>) -> Vec<(AuthorNumber, Cursor)> {
        let mut cursors = Vec::new();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if let Some(slot) = slot
                && std::mem::take(&mut slot.moved)
                && let Some(cursor) = slot.cursor_at_head(tail)
            {
                cursors.push((number_at(index), cursor));
            }
        }
        cursors
    }

    /// Everybody who is here, and for every other number that it is nobody's: the receiver
    /// may have missed who left.
    pub fn everybody(&self) -> Vec<MemberChange> {
        let slots = self.slots.iter().enumerate();
        slots
            .map(|(index, slot)| match slot.as_ref().filter(|slot| slot.present) {
                Some(slot) => MemberChange::Here(slot.member(number_at(index))),
                None => MemberChange::Left(number_at(index)),
            })
            .collect()
    }

    /// All cursors, at the head of the tail.
    pub fn all_cursors<D: DocumentType>(&mut self, tail: &Tail<D>) -> Vec<(AuthorNumber, Cursor)> {
        let slots = self.slots.iter_mut().enumerate();
        slots
            .filter_map(|(index, slot)| {
                let slot = slot.as_mut().filter(|slot| slot.present)?;
                Some((number_at(index), slot.cursor_at_head(tail)?))
            })
            .collect()
    }

    /// How many members are here.
    pub fn present(&self) -> usize {
        self.slots.iter().flatten().filter(|slot| slot.present).count()
    }

    fn number_of(&self, client: &ClientId) -> Option<AuthorNumber> {
        self.numbered().find(|(_, slot)| slot.client == *client).map(|(number, _)| number)
    }

    /// The lowest free number; if none is, one of an author who is not here is taken.
    fn assign(&mut self, client: ClientId, user: &UserId) -> AuthorNumber {
        let free = self.slots.iter().position(|slot| slot.as_ref().is_none_or(|slot| !slot.present));
        let index = free.unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[index] = Some(Slot {
            client,
            user: user.clone(),
            name: String::new(),
            state: String::new(),
            activity: Activity::Active,
            present: false,
            author: false,
            seq: ClientSeq::NONE,
            cursor: None,
            changed: false,
            moved: false,
        });
        number_at(index)
    }

    fn slot(&mut self, number: AuthorNumber) -> Option<&mut Slot> {
        self.slots.get_mut(number.0 as usize)?.as_mut()
    }

    fn numbered(&self) -> impl Iterator<Item = (AuthorNumber, &Slot)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| Some((number_at(index), slot.as_ref()?)))
    }
}

impl Slot {
    fn member(&self, number: AuthorNumber) -> Member {
        Member {
            number,
            user: self.user.clone(),
            name: self.name.clone(),
            activity: self.activity,
            state: self.state.clone(),
        }
    }

    /// Carries the cursor to the head and keeps it there; one below the tail is dropped.
    fn cursor_at_head<D: DocumentType>(&mut self, tail: &Tail<D>) -> Option<Cursor> {
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

fn number_at(index: usize) -> AuthorNumber {
    // A room has far fewer than 2^32 members: every one is a connection.
    AuthorNumber(u32::try_from(index).unwrap_or(u32::MAX))
}
