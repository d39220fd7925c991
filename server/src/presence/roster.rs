//! The numbers of a room's authors and members, and what its channels are shown of them.

use std::collections::HashMap;

use cowrite_protocol::frame::{Activity, Author, MemberChange};
use cowrite_protocol::{AuthorNumber, ClientId, ClientSeq, Cursor, DocumentType, Generation, Millis, UserId, Version};

use super::message::StayName;
use super::slot::{Here, Slot, Stay};
use crate::sequencer::{SubmittedCaret, Tail};

/// Everybody whom the room's frames name by a number: members here and at other servers,
/// and authors. A number is free again when its member has left; an author who is not a
/// member has one until it is needed.
#[derive(Debug, Default)]
pub struct Roster {
    pub(super) slots: Vec<Option<Slot>>,
    numbers: HashMap<ClientId, AuthorNumber>,
    /// Below this place every number is a member's.
    free_from: usize,
    /// Numbers of members that left since the last tick.
    left: Vec<AuthorNumber>,
    /// Stays that ended here, and that other servers have not been told of.
    pub(super) ended: Vec<StayName>,
    /// Cursors from other servers at versions that this room has not reached.
    pub(super) ahead: Vec<(AuthorNumber, Version, Cursor)>,
    /// Before this moment nobody elsewhere expires.
    pub(super) expiry: Option<Millis>,
    /// How many are elsewhere.
    pub(super) elsewhere: usize,
}

impl Roster {
    /// A member comes in; gives its number.
    pub fn join(
        &mut self,
        client: ClientId,
        generation: Generation,
        user: &UserId,
        name: &str,
        state: &str,
    ) -> AuthorNumber {
        let number = self.number_or_assign(client, user);
        let stay = Stay {
            generation,
            revision: 0,
            name: super::message::told_name(name),
            activity: Activity::Active,
            state: state.to_owned(),
        };
        // It may have moved on to another server before this one could answer.
        let moved_on = |slot: &Slot| slot.elsewhere.as_ref().is_some_and(|other| other.stay.generation > generation);
        if let Some(slot) = self.slot(number) {
            let displaced = moved_on(slot);
            slot.here = Some(Here { stay, displaced, alone_since: None, silent: false, untold: true });
            slot.changed |= !displaced;
            slot.cursor_untold |= slot.cursor.is_some();
            if !displaced && slot.elsewhere.take().is_some() {
                self.elsewhere -= 1;
            }
        }
        number
    }

    /// The stay of a member ends. Unless the member is elsewhere meanwhile, its number is free.
    pub fn leave(&mut self, number: AuthorNumber, generation: Generation) {
        let Some(slot) = self.slot(number) else { return };
        let Some(here) = slot.here.take_if(|here| here.stay.generation == generation) else { return };
        let stay = StayName { client: slot.client, generation };
        if here.is_told() {
            self.ended.push(stay);
        }
        self.vacate(number, here.is_told());
    }

    /// Nothing is heard of this stay: to everybody it is as if it had ended, until a frame comes
    /// from it.
    pub fn silence(&mut self, number: AuthorNumber, generation: Generation) {
        let Some(slot) = self.slot(number) else { return };
        let Some(here) = slot.here.as_mut().filter(|here| here.stay.generation == generation) else { return };
        let was_told = here.is_told();
        here.silent = true;
        if was_told {
            (slot.changed, slot.moved, slot.cursor_untold) = (false, false, false);
            let stay = StayName { client: slot.client, generation };
            self.ended.push(stay);
            self.left.push(number);
        }
    }

    /// A frame came from this very stay: if it was believed to be gone, or to have gone on
    /// elsewhere, and nobody elsewhere shows it, it is here after all.
    pub fn touch(&mut self, number: AuthorNumber, generation: Generation) {
        let Some(slot) = self.slot(number) else { return };
        let stay = StayName { client: slot.client, generation };
        let Some(here) = slot.here.as_mut().filter(|here| here.stay.generation == generation) else { return };
        if here.is_told() {
            return;
        }
        here.silent = false;
        if slot.elsewhere.is_none() {
            self.revive(number, stay);
        }
    }

    /// This stay is shown again.
    pub(super) fn revive(&mut self, number: AuthorNumber, stay: StayName) {
        let Some(slot) = self.slot(number) else { return };
        let Some(here) = &mut slot.here else { return };
        (here.displaced, here.alone_since, here.untold, slot.changed) = (false, None, true, true);
        (slot.moved, slot.cursor_untold) = (slot.cursor.is_some(), slot.cursor.is_some());
        // Who is told that it is here must not hear, behind that, that it ended.
        self.ended.retain(|ended| *ended != stay);
    }

    /// The last client_seq in the log of an announced author.
    pub fn seq_of(&self, client: &ClientId) -> Option<ClientSeq> {
        let number = *self.numbers.get(client)?;
        self.slots.get(number.0 as usize)?.as_ref().filter(|slot| slot.author).map(|slot| slot.seq)
    }

    /// The number of an entry's author; and how to announce it, if that was not done yet.
    pub fn author(&mut self, client: ClientId, user: &UserId) -> (AuthorNumber, Option<Author>) {
        let number = self.number_or_assign(client, user);
        let new = self.slot(number).and_then(|slot| {
            let new = !std::mem::replace(&mut slot.author, true);
            new.then(|| Author { number, client, user: slot.user.clone(), seq: ClientSeq::NONE })
        });
        (number, new)
    }

    /// All announced authors, as a receiver at the head needs to know them.
    pub fn authors(&self) -> Vec<Author> {
        let slots = self.slots.iter().enumerate().filter_map(|(index, slot)| Some((number_at(index), slot.as_ref()?)));
        let authors = slots.filter(|(_, slot)| slot.author);
        authors
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
        // Receivers infer the same from the commit, so no channel has to be told. Other
        // servers see an entry alone, and infer from it what is implied.
        slot.cursor_untold |= slot.told().is_some() && caret != SubmittedCaret::Implied;
        match caret {
            SubmittedCaret::Still => {}
            SubmittedCaret::At(cursor) => slot.cursor = Some((version, cursor)),
            SubmittedCaret::Implied => {
                if let Some(at) = D::implied_caret(operation) {
                    slot.cursor = Some((version, Cursor::caret(at)));
                }
            }
        }
        slot.stated = version;
    }

    /// A member's cursor, at a version. The last one wins; returns whether it replaced one that
    /// nobody was told of.
    pub fn set_cursor(&mut self, number: AuthorNumber, version: Version, cursor: Cursor) -> bool {
        let Some(slot) = self.slot(number).filter(|slot| slot.told().is_some()) else { return false };
        let replaced = slot.moved;
        slot.cursor = Some((version, cursor));
        (slot.stated, slot.moved, slot.cursor_untold) = (version, true, true);
        replaced
    }

    /// A member's activity and state; returns whether they replaced some that nobody was told of.
    pub fn set_state(&mut self, number: AuthorNumber, activity: Activity, state: Option<String>) -> bool {
        let Some(slot) = self.slot(number) else { return false };
        let replaced = slot.changed;
        if let Some(here) = &mut slot.here {
            here.stay.activity = activity;
            here.stay.state = state.unwrap_or_else(|| std::mem::take(&mut here.stay.state));
            here.stay.revision = here.stay.revision.wrapping_add(1);
            here.untold = true;
            slot.changed |= !here.displaced;
        }
        replaced
    }

    /// The log holds another history: no cursor stands anywhere in it.
    pub fn forget_cursors(&mut self) {
        self.ahead.clear();
        for slot in self.slots.iter_mut().flatten() {
            (slot.cursor, slot.stated, slot.moved, slot.cursor_untold) = (None, Version::ZERO, false, false);
        }
    }

    /// Whether the channels are to be told anything.
    pub fn is_dirty(&self) -> bool {
        let is_news = |slot: &Slot| (slot.changed || slot.moved) && slot.shown().is_some();
        !self.left.is_empty() || self.slots.iter().flatten().any(is_news)
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
                && std::mem::take(&mut slot.changed)
                && let Some(member) = slot.member(number_at(index))
            {
                changes.push(MemberChange::Here(member));
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

    /// Everybody who has the document open, and for every other number that it is nobody's:
    /// the receiver may have missed who left.
    pub fn everybody(&self) -> Vec<MemberChange> {
        let slots = self.slots.iter().enumerate().map(|(index, slot)| (number_at(index), slot));
        slots
            .map(|(number, slot)| match slot.as_ref().and_then(|slot| slot.member(number)) {
                Some(member) => MemberChange::Here(member),
                None => MemberChange::Left(number),
            })
            .collect()
    }

    /// All cursors, at the head of the tail.
    pub fn all_cursors<D: DocumentType>(&mut self, tail: &Tail<D>) -> Vec<(AuthorNumber, Cursor)> {
        let slots = self.slots.iter_mut().enumerate();
        slots
            .filter_map(|(index, slot)| {
                let slot = slot.as_mut().filter(|slot| slot.shown().is_some())?;
                Some((number_at(index), slot.cursor_at_head(tail)?))
            })
            .collect()
    }

    /// How many members there are, here and elsewhere.
    pub fn present(&self) -> usize {
        self.slots.iter().flatten().filter(|slot| slot.shown().is_some()).count()
    }

    /// A stay of this number has ended; `was_shown` says whether it was the one shown.
    pub(super) fn vacate(&mut self, number: AuthorNumber, was_shown: bool) {
        let index = number.0 as usize;
        let Some(slot) = self.slot(number) else { return };
        if was_shown {
            (slot.cursor, slot.stated, slot.changed, slot.moved) = (None, Version::ZERO, false, false);
        }
        if slot.is_vacant() {
            let client = slot.client;
            self.free_from = self.free_from.min(index);
            self.numbers.remove(&client);
            self.slots[index] = None;
        }
        if was_shown {
            self.ahead.retain(|(waiting, ..)| *waiting != number);
            self.left.push(number);
        }
    }

    pub(super) fn number_of(&self, client: &ClientId) -> Option<AuthorNumber> {
        self.numbers.get(client).copied()
    }

    pub(super) fn number_or_assign(&mut self, client: ClientId, user: &UserId) -> AuthorNumber {
        self.number_of(&client).unwrap_or_else(|| self.assign(client, user))
    }

    /// The lowest free number; if none is, one of an author who is not here is taken.
    fn assign(&mut self, client: ClientId, user: &UserId) -> AuthorNumber {
        let mut places = self.slots.iter().enumerate().skip(self.free_from);
        let free = places.find(|(_, slot)| slot.as_ref().is_none_or(Slot::is_vacant));
        let index = free.map(|(index, _)| index).unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        if let Some(former) = self.slots[index].replace(Slot::new(client, user.clone())) {
            self.numbers.remove(&former.client);
        }
        self.numbers.insert(client, number_at(index));
        self.free_from = index;
        number_at(index)
    }

    pub(super) fn slot(&mut self, number: AuthorNumber) -> Option<&mut Slot> {
        self.slots.get_mut(number.0 as usize)?.as_mut()
    }
}

pub(super) fn number_at(index: usize) -> AuthorNumber {
    // A room has far fewer than 2^32 members: every one is a connection, here or elsewhere.
    AuthorNumber(u32::try_from(index).unwrap_or(u32::MAX))
}
