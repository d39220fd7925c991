//! One release's folder.

use std::fs;
use std::path::{Path, PathBuf};

use cowrite_server::oplog::WallClock;
use serde_json::{Value, json};

use super::facts::Work;
use super::files::{pack, read_json, unhex, unpack, write_json};
use super::keys::{dump, restore};
use crate::process::Place;
use crate::redis::RedisProcess;

/// What a release kept documents in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A data folder.
    Disk,
    /// Redis.
    Redis,
}

/// What one release has written, in `tests/golden/upgrade`.
#[derive(Clone, Debug)]
pub struct Golden(PathBuf);

impl Golden {
    /// Those of all releases, the oldest first.
    ///
    /// # Panics
    /// If there is none.
    pub fn all() -> Vec<Golden> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/upgrade");
        let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!all.is_empty(), "there is no release to be upgraded from");
        all.sort();
        all.into_iter().map(Golden).collect()
    }

    /// The one of this folder, which need not be there yet.
    pub fn at(folder: &Path) -> Golden {
        Golden(folder.to_owned())
    }

    /// The release.
    pub fn version(&self) -> String {
        self.0.file_name().and_then(|name| name.to_str()).expect("a release has a plain name").to_owned()
    }

    /// A copy of the data folder, in this place.
    pub fn unpack_data(&self, place: &Place) -> PathBuf {
        let data = place.path("data");
        unpack(&self.0.join("disk/data"), &data);
        data
    }

    /// A Redis with what was in the release's.
    pub fn redis(&self) -> RedisProcess {
        let redis = RedisProcess::start(&[]);
        restore(&redis, &read_json(&self.0.join("redis/keys.json")));
        redis
    }

    /// The facts as the release wrote them, after every client was opened once more.
    pub fn facts(&self, kind: Kind) -> Value {
        self.told(kind)["facts"].clone()
    }

    /// The last operation of each client.
    pub fn work(&self, kind: Kind) -> Vec<Work> {
        self.told(kind)["work"].as_array().expect("a list").iter().map(Work::from_json).collect()
    }

    /// The time of day when it was written, in milliseconds since 1970.
    pub fn made_ms(&self, kind: Kind) -> u64 {
        self.told(kind)["made_ms"].as_u64().expect("a time")
    }

    /// A clock that stands at that time: nothing is forgotten because of its age.
    pub fn clock(&self, kind: Kind) -> WallClock {
        let made = self.made_ms(kind);
        WallClock::from_fn(move || made)
    }

    /// A token that was good then, and one that was revoked.
    pub fn tokens(&self) -> (String, String) {
        let told = self.told(Kind::Disk);
        let token = |name: &str| told[name].as_str().expect("a token").to_owned();
        (token("good_token"), token("revoked_token"))
    }

    /// The first messages of a client of that release: `Hello`, then `Open` of "minutes".
    pub fn client_messages(&self) -> Vec<Vec<u8>> {
        let told = read_json(&self.0.join("client.json"));
        told.as_array().expect("a list").iter().map(|text| unhex(text.as_str().expect("bytes"))).collect()
    }

    /// The record that a browser of that release has kept of "minutes", base and work: one edit was
    /// in flight, and is in the log of the data folder, and one waited behind it.
    pub fn record(&self) -> (Vec<u8>, Vec<u8>) {
        let record = read_json(&self.0.join("record.json"));
        let part = |name: &str| unhex(record[name].as_str().expect("bytes"));
        (part("base"), part("work"))
    }

    pub(super) fn put(&self, name: &str, value: &Value) {
        write_json(&self.0.join(name), value);
    }

    pub(super) fn put_data(&self, data: &Path) {
        pack(data, &self.0.join("disk/data"));
    }

    pub(super) fn put_redis(&self, redis: &RedisProcess) {
        self.put("redis/keys.json", &dump(redis));
    }

    pub(super) fn tell(&self, kind: Kind, made_ms: u64, work: &[Work], tokens: Option<(&str, &str)>) {
        let work: Vec<Value> = work.iter().map(Work::to_json).collect();
        let mut told = json!({ "made_ms": made_ms, "work": work });
        if let Some((good, revoked)) = tokens {
            told["good_token"] = json!(good);
            told["revoked_token"] = json!(revoked);
        }
        self.put(told_by(kind), &told);
    }

    pub(super) fn add_facts(&self, kind: Kind, facts: Value) {
        let mut told = self.told(kind);
        told["facts"] = facts;
        self.put(told_by(kind), &told);
    }

    fn told(&self, kind: Kind) -> Value {
        read_json(&self.0.join(told_by(kind)))
    }
}

fn told_by(kind: Kind) -> &'static str {
    match kind {
        Kind::Disk => "disk/told.json",
        Kind::Redis => "redis/told.json",
    }
}
