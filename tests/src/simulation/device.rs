//! What a client's device keeps: written after a while, lost with the page until then.

use std::collections::{BTreeMap, VecDeque};

use cowrite_client::{Record, Written};

/// The store of one device.
#[derive(Clone, Debug, Default)]
pub(super) struct Device {
    /// By user: the base and the work.
    records: BTreeMap<String, (Vec<u8>, Vec<u8>)>,
    /// Writes under way, in the order of asking.
    writes: VecDeque<(u32, Record)>,
    /// How often the page was killed: what its former self has asked for is nobody's.
    pub(super) life: u64,
}

impl Device {
    /// Asks for a write.
    pub(super) fn ask(&mut self, ticket: u32, record: Record) {
        self.writes.push_back((ticket, record));
    }

    /// The oldest write under way ends so; gives its number. One that failed may be done all the same.
    pub(super) fn settle(&mut self, written: Written, done: bool) -> Option<u32> {
        let (ticket, record) = self.writes.pop_front()?;
        let user = record.user.as_str().to_owned();
        if written == Written::Emptied {
            self.records.remove(&user);
        } else if done {
            let held = self.records.entry(user).or_default();
            if let Some(base) = record.base {
                held.0 = base;
            }
            held.1 = record.work;
        }
        Some(ticket)
    }

    /// What is kept of this user's work.
    pub(super) fn record(&self, user: &str) -> Option<(Vec<u8>, Vec<u8>)> {
        self.records.get(user).cloned()
    }

    /// The page is killed, and what was under way with it.
    pub(super) fn crash(&mut self) {
        self.life += 1;
        self.writes.clear();
    }
}
