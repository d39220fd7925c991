//! What the roster tells other servers.

use cowrite_protocol::DocumentType;

use super::Roster;
use super::message::{CursorRecord, MemberRecord, StayName};
use super::slot::{Here, Slot};
use crate::sequencer::Tail;

/// What is new for other servers.
#[derive(Debug, Default)]
pub struct Untold {
    /// Members in full.
    pub here: Vec<MemberRecord>,
    /// Stays that ended.
    pub left: Vec<StayName>,
    /// Cursors, at the head of the tail.
    pub cursors: Vec<CursorRecord>,
}

impl Roster {
    /// How many members are here, by the knowledge of this server.
    pub fn here(&self) -> usize {
        self.slots.iter().flatten().filter(|slot| slot.told().is_some()).count()
    }

    /// Whether other servers are to be told anything.
    pub fn is_untold(&self) -> bool {
        let is_news = |slot: &Slot| slot.told().is_some_and(|here| here.untold || slot.cursor_untold);
        !self.ended.is_empty() || self.slots.iter().flatten().any(is_news)
    }

    /// Somebody elsewhere is to be told of everybody here.
    pub fn tell_members(&mut self) {
        self.slots.iter_mut().flatten().filter_map(|slot| slot.here.as_mut()).for_each(|here| here.untold = true);
    }

    /// Somebody elsewhere is to be told where all cursors here stand.
    pub fn tell_cursors(&mut self) {
        let here = self.slots.iter_mut().flatten().filter(|slot| slot.told().is_some());
        here.for_each(|slot| slot.cursor_untold |= slot.cursor.is_some());
    }

    /// Whether a stay here has ended that others have not been told of.
    pub fn has_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    /// Nobody else listens: what has ended here concerns nobody.
    pub fn forget_ended(&mut self) {
        self.ended.clear();
    }

    /// What is new, about `bytes` of it at most; the rest is for the next time.
    pub fn take_untold<D: DocumentType>(&mut self, tail: &Tail<D>, bytes: usize) -> Untold {
        let mut untold = Untold { left: std::mem::take(&mut self.ended), ..Untold::default() };
        let mut taken = 0;
        for slot in self.slots.iter_mut().flatten().filter(|slot| slot.told().is_some()) {
            if taken > bytes {
                break;
            }
            if let Some(record) = take_member(slot) {
                taken += record.bytes();
                untold.here.push(record);
            }
            if std::mem::take(&mut slot.cursor_untold)
                && let Some(here) = slot.told()
            {
                let stay = StayName { client: slot.client, generation: here.stay.generation };
                let cursor = slot.cursor_at_head(tail).unwrap_or_default();
                taken += 24 + 8 * cursor.0.len();
                untold.cursors.push(CursorRecord { stay, cursor });
            }
        }
        untold
    }

    /// Every stay here with its revision.
    pub fn summary(&self) -> Vec<(StayName, u32)> {
        let here = self.slots.iter().flatten().filter_map(|slot| Some((slot.client, slot.told()?)));
        let name =
            |(client, here): (_, &Here)| (StayName { client, generation: here.stay.generation }, here.stay.revision);
        here.map(name).collect()
    }
}

fn take_member(slot: &mut Slot) -> Option<MemberRecord> {
    let (client, user) = (slot.client, slot.user.clone());
    let here = slot.here.as_mut()?;
    if !std::mem::take(&mut here.untold) {
        return None;
    }
    Some(MemberRecord {
        stay: StayName { client, generation: here.stay.generation },
        revision: here.stay.revision,
        user,
        name: here.stay.name.clone(),
        activity: here.stay.activity,
        state: here.stay.state.clone(),
    })
}
