//! The host's end: what the device keeps.

use std::collections::BTreeMap;

use cowrite_client::{Found, Record, Session, Written};
use cowrite_protocol::hash::Checksummer;
use cowrite_protocol::{DocumentId, Millis, RichText};

use super::{Bench, Log, SessionSettings};

/// What a device keeps of one document, by user.
#[derive(Clone, Debug, Default)]
pub(crate) struct Device {
    records: BTreeMap<String, (Vec<u8>, Vec<u8>)>,
    /// Whose record is asked for while nobody knows who the user is.
    pub(crate) last_user: String,
}

impl Device {
    /// A write is done.
    pub(crate) fn put(&mut self, record: Record) {
        let user = record.user.as_str().to_owned();
        let held = self.records.entry(user.clone()).or_default();
        if let Some(base) = record.base {
            held.0 = base;
        }
        held.1 = record.work;
        self.last_user = user;
    }

    /// What is kept of a user's work.
    pub(crate) fn record(&self, user: &str) -> Option<(Vec<u8>, Vec<u8>)> {
        self.records.get(user).cloned()
    }

    /// The other user has a record as well, which says that it is that one's.
    pub(crate) fn copy(&mut self, from: &str, to: &str) {
        let (base, work) = self.records[from].clone();
        let mut body = work[..work.len() - 8].to_vec();
        let at = body.windows(from.len()).position(|bytes| bytes == from.as_bytes()).expect("the user's name");
        body[at..at + from.len()].copy_from_slice(to.as_bytes());
        self.records.insert(to.to_owned(), (base, sealed(body)));
    }

    /// A part of a record as a client of another format would have written it.
    pub(crate) fn reformatted(part: &[u8], format: u8) -> Vec<u8> {
        let mut body = part[..part.len() - 8].to_vec();
        body[0] = format;
        sealed(body)
    }
}

fn sealed(mut body: Vec<u8>) -> Vec<u8> {
    let mut sum = Checksummer::default();
    sum.write(&body);
    body.extend_from_slice(&sum.finish().0.to_le_bytes());
    body
}

impl Bench {
    /// A session whose document the device keeps; nothing was read yet.
    pub(crate) fn kept(device: Device, log: Log) -> Bench {
        let mut bench = Bench::idle();
        bench.session = Session::<RichText>::new(SessionSettings::new(42));
        bench.handle = bench.session.open_kept("page".parse::<DocumentId>().unwrap(), "", bench.now).unwrap();
        bench.session.connect(bench.now);
        (bench.device, bench.log, bench.loads) = (device, log, 0);
        bench.drain();
        bench
    }

    /// The host answers what it was asked.
    pub(crate) fn load(&mut self) {
        let user = self.session.user().map_or(self.device.last_user.clone(), |user| user.as_str().to_owned());
        self.load_of(&user);
    }

    /// The host answers with what it has of this user.
    pub(crate) fn load_of(&mut self, user: &str) {
        assert_eq!(std::mem::take(&mut self.loads), 1, "the host was asked");
        let record = self.device.record(user);
        let found =
            record.as_ref().map_or(Found::Nothing, |(base, work)| Found::Record { base, work, age_ms: self.age_ms });
        self.session.handle_loaded(self.handle, found, self.now).unwrap();
        self.drain();
    }

    /// The oldest write ends so.
    pub(crate) fn write_one(&mut self, written: Written) {
        let (ticket, record) = self.stores.pop_front().expect("something is to be stored");
        match written {
            Written::Stored => self.device.put(record),
            Written::Failed | Written::Missing => {}
            Written::Emptied => self.device = Device::default(),
        }
        self.stored(ticket, written);
    }

    /// The session hears how a write ended.
    pub(crate) fn stored(&mut self, ticket: u32, written: Written) {
        let now: Millis = self.now;
        self.session.handle_stored(self.handle, ticket, written, now);
        self.drain();
    }

    /// All that is asked for is stored.
    pub(crate) fn write_all(&mut self) {
        while !self.stores.is_empty() {
            self.write_one(Written::Stored);
        }
    }
}
