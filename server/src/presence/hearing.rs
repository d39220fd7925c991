//! What the roster takes from other servers.

use cowrite_protocol::{AuthorNumber, Cursor, DocumentType, Millis, Version};

use super::Roster;
use super::message::{CursorRecord, MemberRecord, SenderName, StayName};
use super::roster::number_at;
use super::slot::{Elsewhere, Stay};
use crate::sequencer::Tail;

/// Most members at other servers that one room shows; what is told of more is ignored.
const MOST: usize = 1 << 16;

impl Roster {
    /// A sender tells of a member in full. Returns whether that could be used.
    pub fn hear_member(&mut self, record: MemberRecord, sender: SenderName, now: Millis) -> bool {
        let StayName { client, generation } = record.stay;
        if self.number_of(&client).is_none() && self.elsewhere >= MOST {
            return false;
        }
        let number = self.number_or_assign(client, &record.user);
        let Some(slot) = self.slot(number) else { return false };
        // A client id is bound to its user in the log.
        if slot.user != record.user {
            return false;
        }
        if slot.here.as_ref().is_some_and(|here| here.stay.generation >= generation) {
            return true;
        }
        let stay = Stay {
            generation,
            revision: record.revision,
            name: record.name,
            activity: record.activity,
            state: record.state,
        };
        let shows_same =
            |known: &Stay| known.name == stay.name && known.activity == stay.activity && known.state == stay.state;
        let is_same = slot.shown().is_some_and(shows_same);
        match &slot.elsewhere {
            // An older stay, that its own server has not noticed to be over.
            Some(known) if known.sender != sender && known.stay.generation > generation => return true,
            Some(_) => {}
            None => self.elsewhere += 1,
        }
        let Some(slot) = self.slot(number) else { return false };
        slot.elsewhere = Some(Elsewhere { stay, sender, heard: now, named: false });
        slot.changed |= !is_same;
        if let Some(here) = &mut slot.here {
            (here.displaced, here.alone_since) = (true, None);
        }
        true
    }

    /// A stay has ended at its server.
    pub fn hear_left(&mut self, stay: StayName, sender: SenderName) {
        let Some(number) = self.number_of(&stay.client) else { return };
        let Some(slot) = self.slot(number) else { return };
        let ended = slot.elsewhere.take_if(|known| {
            let own = known.stay.generation == stay.generation && known.sender == sender;
            own || known.stay.generation < stay.generation
        });
        if ended.is_some() {
            self.elsewhere -= 1;
            // What is here of it may have to be looked at some time.
            self.expiry = None;
            self.vacate(number, true);
        }
    }

    /// A sender's summary. Who is not in it has left there; returns whether somebody is in
    /// it of whom this room does not know, or not the newest. Linear in the summary and in
    /// the room's members.
    pub fn hear_summary(&mut self, all: &[(StayName, u32)], sender: SenderName, now: Millis) -> bool {
        let mut misses = false;
        for (stay, revision) in all {
            let slot = self.number_of(&stay.client).and_then(|number| self.slot(number));
            let Some(slot) = slot else {
                misses = true;
                continue;
            };
            if slot.here.as_ref().is_some_and(|here| here.stay.generation >= stay.generation) {
                continue;
            }
            match &mut slot.elsewhere {
                Some(known) if known.sender == sender => {
                    (known.heard, known.named) = (now, true);
                    misses |= known.stay.generation != stay.generation || known.stay.revision != *revision;
                }
                Some(known) => misses |= known.stay.generation <= stay.generation,
                None => misses = true,
            }
        }
        self.remove_elsewhere(|elsewhere| elsewhere.sender == sender && !std::mem::take(&mut elsewhere.named));
        misses
    }

    /// A sender tells where a member's cursor stands at a version. One ahead of this room
    /// waits until the room is there, the newest alone; one below the tail is dropped.
    pub fn hear_cursor<D: DocumentType>(
        &mut self,
        record: CursorRecord,
        version: Version,
        sender: SenderName,
        tail: &Tail<D>,
    ) {
        let Some(number) = self.number_of(&record.stay.client) else { return };
        let is_shown = self
            .slot(number)
            .and_then(|slot| slot.elsewhere.as_ref())
            .is_some_and(|elsewhere| elsewhere.sender == sender && elsewhere.stay.generation == record.stay.generation);
        if !is_shown {
            return;
        }
        self.ahead.retain(|(waiting, ..)| *waiting != number);
        if version > tail.head() {
            self.ahead.push((number, version, record.cursor));
        } else {
            self.place(number, version, record.cursor, tail);
        }
    }

    /// The room has got on: cursors that waited for this are shown.
    pub fn reach<D: DocumentType>(&mut self, tail: &Tail<D>) {
        if self.ahead.is_empty() {
            return;
        }
        let reached: Vec<_> = self.ahead.extract_if(.., |(_, version, _)| *version <= tail.head()).collect();
        for (number, version, cursor) in reached {
            self.place(number, version, cursor, tail);
        }
    }

    /// Who was not heard of for `expiry_ms` is gone. Who is here, and was believed to have gone on elsewhere, is here
    /// after all if nobody elsewhere has shown it for that long, and its connection has not fallen silent: a log that
    /// has lost everything counts the stays of a client from the first again.
    pub fn expire(&mut self, now: Millis, expiry_ms: u64) {
        if self.expiry.is_none_or(|expiry| expiry > now) {
            return;
        }
        self.remove_elsewhere(|elsewhere| elsewhere.heard + expiry_ms <= now);
        for index in 0..self.slots.len() {
            let Some(slot) = self.slots[index].as_ref().filter(|slot| slot.elsewhere.is_none()) else { continue };
            if let Some(here) = slot.here.as_ref().filter(|here| here.is_doubtful())
                && here.alone_since.is_some_and(|since| since + expiry_ms <= now)
            {
                let stay = StayName { client: slot.client, generation: here.stay.generation };
                self.revive(number_at(index), stay);
            }
        }
        self.expiry = None;
        self.plan_expiry(now, expiry_ms);
    }

    /// Sees to it that somebody looks when the first of those elsewhere expires, and when somebody here has been
    /// shown by nobody for as long.
    pub fn plan_expiry(&mut self, now: Millis, expiry_ms: u64) {
        if self.expiry.is_some() {
            // Later ones are found by then, since nobody's moment ever moves nearer.
            return;
        }
        let since = self.slots.iter_mut().flatten().filter_map(|slot| match (&slot.elsewhere, &mut slot.here) {
            (Some(elsewhere), _) => Some(elsewhere.heard),
            (None, Some(here)) if here.is_doubtful() => Some(*here.alone_since.get_or_insert(now)),
            (None, _) => None,
        });
        self.expiry = since.min().map(|since| since + expiry_ms);
    }

    /// When [`Roster::expire`] has something to do, at the earliest.
    pub fn expiry(&self) -> Option<Millis> {
        self.expiry
    }

    /// Nobody elsewhere was heard of because this server slept: they have until `heard`
    /// plus the expiry.
    pub fn grant(&mut self, heard: Millis) {
        for elsewhere in self.slots.iter_mut().flatten().filter_map(|slot| slot.elsewhere.as_mut()) {
            elsewhere.heard = elsewhere.heard.max(heard);
        }
        self.expiry = None;
    }

    fn place<D: DocumentType>(&mut self, number: AuthorNumber, version: Version, mut cursor: Cursor, tail: &Tail<D>) {
        let Some(slot) = self.slot(number) else { return };
        // The author's own commit has said something newer.
        if version < slot.stated {
            return;
        }
        let Some(length) = tail.length_at(version) else { return };
        cursor.clamp(length.0);
        let before = slot.cursor_at_head(tail).unwrap_or_default();
        slot.cursor = Some((version, cursor));
        slot.stated = version;
        slot.moved |= slot.cursor_at_head(tail).unwrap_or_default() != before;
    }

    fn remove_elsewhere(&mut self, mut is_gone: impl FnMut(&mut Elsewhere) -> bool) {
        for index in 0..self.slots.len() {
            let elsewhere = self.slots[index].as_mut().map(|slot| &mut slot.elsewhere);
            if elsewhere.is_some_and(|elsewhere| elsewhere.take_if(&mut is_gone).is_some()) {
                self.elsewhere -= 1;
                self.expiry = None;
                self.vacate(number_at(index), true);
            }
        }
    }
}
