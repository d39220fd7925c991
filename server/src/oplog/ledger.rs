//! The rule by which every local log decides: where one document stands, who its
//! clients are, and what an append is answered. Pure: no storage, no clock.

use std::collections::{BTreeSet, HashMap};

use cowrite_protocol::{ClientId, ClientSeq, Generation, RunningHash, UserId, Version};
use serde::{Deserialize, Serialize};

use super::{Batch, ClientState, Entry, Head, Member, NewLife, OpenedLog, Refusal};

/// How long a client's record is kept after the client was last seen, in milliseconds.
pub(crate) const CLIENT_KEPT_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// What a log remembers of one client of one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClientRecord {
    /// The user to whom the id is bound.
    pub(crate) user: UserId,
    /// The live generation.
    pub(crate) generation: Generation,
    /// The last committed client_seq and its version.
    pub(crate) last: Option<(ClientSeq, Version)>,
    /// When it was last opened or committed, in milliseconds since 1970.
    pub(crate) seen_ms: u64,
}

/// Where one document stands, and its client records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) head: Head,
    /// Entries after this version are kept.
    pub(crate) floor: Version,
    /// Version and running hash of the stored snapshot.
    pub(crate) snapshot: Option<(Version, RunningHash)>,
    pub(crate) clients: HashMap<ClientId, ClientRecord>,
    /// Clients whose record changed or went since [`Ledger::take_changed`].
    changed: BTreeSet<ClientId>,
}

/// What an append comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It fits: [`Ledger::commit`] it.
    Fits,
    /// It was made on an earlier version; the entries after this one are the answer.
    Conflict(Version),
    /// These members may not be appended.
    Refused(Vec<(usize, Refusal)>),
    /// It was made on another history.
    EpochChanged,
    /// There is no version left to number it with.
    Full,
}

impl Ledger {
    /// A ledger as it was stored; nothing counts as changed.
    pub(crate) fn stored(
        head: Head,
        floor: Version,
        snapshot: Option<(Version, RunningHash)>,
        clients: HashMap<ClientId, ClientRecord>,
    ) -> Ledger {
        Ledger { head, floor, snapshot, clients, changed: BTreeSet::new() }
    }

    /// Opens the document, for a client if there is one: binds an unknown id to the user
    /// and raises the generation. `None` if the id belongs to another user.
    pub(crate) fn open(&mut self, client: Option<(ClientId, UserId)>, now_ms: u64) -> Option<OpenedLog> {
        self.forget(now_ms);
        let state = match client {
            None => None,
            Some((id, user)) => {
                let record = self.clients.entry(id).or_insert_with(|| ClientRecord {
                    user: user.clone(),
                    generation: Generation::NONE,
                    last: None,
                    seen_ms: now_ms,
                });
                if record.user != user {
                    return None;
                }
                record.generation = record.generation.next();
                record.seen_ms = record.seen_ms.max(now_ms);
                let state = ClientState { generation: record.generation, last: record.last };
                self.changed.insert(id);
                Some(state)
            }
        };
        Some(OpenedLog { head: self.head, floor: self.floor, client: state })
    }

    /// Judges an append. `hash_at` gives the running hash at a version of this log, where
    /// it is known. Cost: linear in the members.
    pub(crate) fn judge(&self, batch: &Batch, hash_at: impl FnOnce(Version) -> Option<RunningHash>) -> Verdict {
        let (log, expected) = (self.head, batch.expected);
        match expected.epoch {
            None if log.epoch.is_none() => {
                if expected != log {
                    return Verdict::EpochChanged;
                }
            }
            // A writer that knew of no life yet is in step with the first one at version 0.
            None => return Verdict::Conflict(Version::ZERO),
            Some(epoch) => {
                if log.epoch != Some(epoch) || expected.version > log.version {
                    return Verdict::EpochChanged;
                }
                let known = if expected.version == log.version { Some(log.hash) } else { hash_at(expected.version) };
                if known.is_some_and(|hash| hash != expected.hash) {
                    return Verdict::EpochChanged;
                }
                if expected.version < log.version {
                    return Verdict::Conflict(expected.version);
                }
            }
        }
        let refused = self.refusals(&batch.members);
        if !refused.is_empty() {
            return Verdict::Refused(refused);
        }
        if log.version.get() + batch.members.len() as u64 > Version::MAX.get() {
            return Verdict::Full;
        }
        Verdict::Fits
    }

    fn refusals(&self, members: &[Member]) -> Vec<(usize, Refusal)> {
        // What the members before this one in the batch would have made of its client.
        let mut staged: HashMap<ClientId, (&UserId, ClientSeq, Version)> = HashMap::new();
        let mut refused = Vec::new();
        for (index, member) in members.iter().enumerate() {
            let record = self.clients.get(&member.client);
            let (owner, last, version) = match staged.get(&member.client) {
                Some(&(owner, last, version)) => (Some(owner), last, version),
                None => match record {
                    Some(record) => {
                        let (last, version) = record.last.unwrap_or_default();
                        (Some(&record.user), last, version)
                    }
                    None => (None, ClientSeq::NONE, Version::ZERO),
                },
            };
            if record.is_some_and(|record| member.generation < record.generation) {
                refused.push((index, Refusal::Fenced));
            } else if owner.is_some_and(|owner| *owner != member.user) {
                refused.push((index, Refusal::OtherUser));
            } else if member.client_seq <= last {
                refused.push((index, Refusal::Duplicate { last, version }));
            } else {
                let version = self.head.version.plus(index as u64 + 1);
                staged.insert(member.client, (&member.user, member.client_seq, version));
            }
        }
        refused
    }

    /// Takes in a batch that [`Ledger::judge`] found to fit, and gives its entries.
    pub(crate) fn commit(&mut self, batch: &Batch) -> Vec<Entry> {
        if batch.members.is_empty() {
            return Vec::new();
        }
        let mut version = self.head.version;
        let mut entries = Vec::with_capacity(batch.members.len());
        for member in &batch.members {
            version = version.next();
            let record = self.clients.entry(member.client).or_insert_with(|| ClientRecord {
                user: member.user.clone(),
                generation: member.generation,
                last: None,
                seen_ms: batch.time_ms,
            });
            record.generation = record.generation.max(member.generation);
            record.last = Some((member.client_seq, version));
            record.seen_ms = record.seen_ms.max(batch.time_ms);
            self.changed.insert(member.client);
            entries.push(Entry {
                version,
                client: member.client,
                client_seq: member.client_seq,
                user: member.user.clone(),
                time_ms: batch.time_ms,
                operation: member.operation.clone(),
            });
        }
        let epoch = self.head.epoch.unwrap_or(batch.new_epoch);
        self.head = Head { epoch: Some(epoch), version, hash: batch.hash_after };
        entries
    }

    /// Whether a snapshot made at this head is to be stored: of this life, not ahead of
    /// the log, not older than the stored one, and not of another history as far as the ends of
    /// what is stored can tell.
    pub(crate) fn wants_snapshot(&self, made_at: Head) -> bool {
        made_at.epoch.is_some()
            && made_at.epoch == self.head.epoch
            && (made_at.version < self.head.version || made_at == self.head)
            && self.snapshot.is_none_or(|(version, hash)| {
                made_at.version > version || (made_at.version == version && made_at.hash == hash)
            })
    }

    /// The floor that a trim up to `before` leads to: never above the snapshot, never down.
    pub(crate) fn floor_after(&self, before: Version) -> Version {
        let snapshot = self.snapshot.map_or(Version::ZERO, |(version, _)| version);
        before.min(snapshot).max(self.floor)
    }

    /// Whether the log lives the old life that is named, and stands where a new one may begin.
    pub(crate) fn may_begin(&self, life: NewLife) -> bool {
        let newest = |client: ClientId| self.clients.get(&client)?.last.map(|(_, version)| version);
        self.head.epoch == life.old && life.unless.is_none_or(|client| newest(client) != Some(self.head.version))
    }

    /// Begins the new life if it may.
    pub(crate) fn advance(&mut self, life: NewLife) -> bool {
        let agreed = self.may_begin(life);
        if agreed {
            self.head.epoch = Some(life.new);
        }
        agreed
    }

    /// Forgets the clients that were last seen too long ago and have no entry left.
    pub(crate) fn forget(&mut self, now_ms: u64) {
        let (floor, changed) = (self.floor, &mut self.changed);
        self.clients.retain(|id, record| {
            let kept = now_ms.saturating_sub(record.seen_ms) <= CLIENT_KEPT_MS
                || record.last.is_some_and(|(_, version)| version > floor);
            if !kept {
                changed.insert(*id);
            }
            kept
        });
    }

    /// Whether a client record differs from what was stored.
    pub(crate) fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// The clients whose record changed, or went, since the last call.
    pub(crate) fn take_changed(&mut self) -> BTreeSet<ClientId> {
        std::mem::take(&mut self.changed)
    }

    /// Keeps the generations and bindings of a ledger whose other changes were lost: what
    /// was fenced stays fenced.
    pub(crate) fn adopt_generations(&mut self, lost: &Ledger) {
        for (id, old) in &lost.clients {
            match self.clients.get_mut(id) {
                Some(record) if record.generation >= old.generation => continue,
                Some(record) => {
                    record.generation = old.generation;
                    record.seen_ms = record.seen_ms.max(old.seen_ms);
                }
                None => {
                    self.clients.insert(*id, ClientRecord { last: None, ..old.clone() });
                }
            }
            self.changed.insert(*id);
        }
    }
}

#[cfg(test)]
mod tests;
