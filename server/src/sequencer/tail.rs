//! The entries that a room keeps in memory, from some version up to its head.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use cowrite_protocol::{ClientId, ClientSeq, DocumentType, RunningHash, UserId, Utf16Length, Version};

use super::compositions::Compositions;
use crate::oplog::Entry;

/// One entry with what is known of the document after it.
#[derive(Clone, Debug)]
pub struct TailEntry<D: DocumentType> {
    /// The version after it.
    pub version: Version,
    /// Its author.
    pub client: ClientId,
    /// The author's number for it.
    pub client_seq: ClientSeq,
    /// The author's user.
    pub user: UserId,
    /// The operation.
    pub operation: Arc<D::Operation>,
    /// The operation, packed.
    pub packed: Bytes,
    /// The running hash after it.
    pub hash: RunningHash,
    /// The document's length after it.
    pub length: Utf16Length,
}

/// Consecutive entries up to the head, and the state before the first of them.
pub struct Tail<D: DocumentType> {
    start: Version,
    start_hash: RunningHash,
    start_length: Utf16Length,
    entries: VecDeque<TailEntry<D>>,
    bytes: usize,
    compositions: Compositions<D>,
}

impl<D: DocumentType> Tail<D> {
    /// No entries, at a version.
    pub fn new(start: Version, start_hash: RunningHash, start_length: Utf16Length) -> Tail<D> {
        Tail {
            start,
            start_hash,
            start_length,
            entries: VecDeque::new(),
            bytes: 0,
            compositions: Compositions::default(),
        }
    }

    /// The version before the first entry: the lowest that anything can be known of.
    pub fn start(&self) -> Version {
        self.start
    }

    /// The version after the last entry.
    pub fn head(&self) -> Version {
        self.entries.back().map_or(self.start, |entry| entry.version)
    }

    /// The running hash at the head.
    pub fn head_hash(&self) -> RunningHash {
        self.entries.back().map_or(self.start_hash, |entry| entry.hash)
    }

    /// How many entries are held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no entry is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The packed bytes of all entries together.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The running hash at a version, if it is within the tail.
    pub fn hash_at(&self, version: Version) -> Option<RunningHash> {
        if version == self.start { Some(self.start_hash) } else { self.get(version).map(|entry| entry.hash) }
    }

    /// The document's length at a version, if it is within the tail.
    pub fn length_at(&self, version: Version) -> Option<Utf16Length> {
        if version == self.start { Some(self.start_length) } else { self.get(version).map(|entry| entry.length) }
    }

    /// The entry of a version, if it is held.
    pub fn get(&self, version: Version) -> Option<&TailEntry<D>> {
        let index = version.get().checked_sub(self.start.get() + 1)?;
        self.entries.get(usize::try_from(index).ok()?)
    }

    /// The entries after a version in order; `None` if some of them are not held.
    pub fn after(&self, version: Version) -> Option<impl Iterator<Item = &TailEntry<D>>> {
        let index = version.get().checked_sub(self.start.get())?;
        let index = usize::try_from(index).ok().filter(|&index| index <= self.entries.len())?;
        Some(self.entries.range(index..))
    }

    /// Appends the entry after the head.
    pub fn push(&mut self, entry: Entry, operation: D::Operation) {
        let hash = self.head_hash().advance(entry.version, &entry.client, entry.client_seq, &entry.operation);
        let before = self.entries.back().map_or(self.start_length, |entry| entry.length);
        self.bytes += entry.operation.len();
        self.entries.push_back(tail_entry(entry, operation, hash, before));
    }

    /// Puts entries before the first one: those after `base`, where the hash was `hash`.
    /// Returns whether they lead to the history that is held; if not, nothing changes.
    pub fn extend_down(&mut self, base: Version, hash: RunningHash, entries: Vec<(Entry, D::Operation)>) -> bool {
        let (mut version, mut reached) = (base, hash);
        let mut change = 0_i64;
        for (entry, operation) in &entries {
            version = version.next();
            if entry.version != version {
                return false;
            }
            reached = reached.advance(version, &entry.client, entry.client_seq, &entry.operation);
            change = change.saturating_add(D::length_change(operation));
        }
        let length = u32::try_from(i64::from(self.start_length.0).saturating_sub(change));
        let (true, Ok(length)) = (version == self.start && reached == self.start_hash, length) else { return false };
        let base_hash = hash;
        let (mut hash, mut before) = (hash, Utf16Length(length));
        let mut below = VecDeque::with_capacity(entries.len() + self.entries.len());
        for (entry, operation) in entries {
            hash = hash.advance(entry.version, &entry.client, entry.client_seq, &entry.operation);
            self.bytes += entry.operation.len();
            let entry = tail_entry(entry, operation, hash, before);
            before = entry.length;
            below.push_back(entry);
        }
        below.append(&mut self.entries);
        self.entries = below;
        (self.start, self.start_hash, self.start_length) = (base, base_hash, Utf16Length(length));
        true
    }

    /// Forgets the oldest entries until at most `entries` and `bytes` are held.
    pub fn shrink(&mut self, entries: usize, bytes: usize) {
        while self.entries.len() > entries || (self.bytes > bytes && !self.entries.is_empty()) {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.packed.len();
                (self.start, self.start_hash, self.start_length) = (oldest.version, oldest.hash, oldest.length);
            }
        }
        self.compositions.forget_up_to(self.start);
    }

    /// All entries after `from` up to the head as one operation; `None` if some of them
    /// are not held. Blocks of it are kept, so that many readers cost one composition.
    pub fn compose_after(&mut self, from: Version) -> Option<Arc<D::Operation>> {
        self.after(from).map(drop)?;
        let (start, entries) = (self.start, &self.entries);
        let operation_of = |version: Version| {
            let index = usize::try_from(version.since(start)).ok()?.checked_sub(1)?;
            entries.get(index).map(|entry| Arc::clone(&entry.operation))
        };
        let head = self.entries.back().map_or(self.start, |entry| entry.version);
        self.compositions.compose(from, head, operation_of)
    }
}

fn tail_entry<D: DocumentType>(
    entry: Entry,
    operation: D::Operation,
    hash: RunningHash,
    before: Utf16Length,
) -> TailEntry<D> {
    let length = i64::from(before.0).saturating_add(D::length_change(&operation));
    TailEntry {
        version: entry.version,
        client: entry.client,
        client_seq: entry.client_seq,
        user: entry.user,
        operation: Arc::new(operation),
        packed: entry.operation,
        hash,
        // Entries are applied before they come here, so the length is one.
        length: Utf16Length(u32::try_from(length).unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use cowrite_protocol::RichText;
    use cowrite_protocol::operation::Operation;

    use super::*;

    /// Everybody types at the end; the entry of version 3 has three units.
    fn entry(version: u64) -> (Entry, Operation) {
        let at = u32::try_from(version * (version - 1) / 2).unwrap();
        let text = char::from(b'a' + u8::try_from(version % 26).unwrap()).to_string().repeat(version as usize);
        let operation = Operation::builder().retain(Utf16Length(at)).insert(&text).build();
        let mut packed = Vec::new();
        RichText::encode(&operation, &mut packed);
        let entry = Entry {
            version: Version::new(version).unwrap(),
            client: ClientId::from_bytes([7; 16]),
            client_seq: ClientSeq::new(version).unwrap(),
            user: "ann".parse().unwrap(),
            time_ms: 0,
            operation: Bytes::from(packed),
        };
        (entry, operation)
    }

    fn filled(from: u64, to: u64) -> Tail<RichText> {
        let whole = Tail::<RichText>::new(Version::ZERO, RunningHash::ZERO, Utf16Length(0));
        let mut tail = (1..=to).fold(whole, |mut tail, version| {
            let (entry, operation) = entry(version);
            tail.push(entry, operation);
            tail
        });
        tail.shrink(usize::try_from(to - from).unwrap(), usize::MAX);
        tail
    }

    fn version(number: u64) -> Version {
        Version::new(number).unwrap()
    }

    fn versions(tail: &Tail<RichText>, after: u64) -> Option<Vec<u64>> {
        Some(tail.after(version(after))?.map(|entry| entry.version.get()).collect())
    }

    fn bytes(from: u64, to: u64) -> usize {
        (from..=to).map(|version| entry(version).0.operation.len()).sum()
    }

    #[test]
    fn it_knows_where_it_stands_from_its_start_to_its_head_and_nothing_else() {
        let (whole, tail) = (filled(0, 5), filled(2, 5));
        assert_eq!((tail.start(), tail.head(), tail.len(), tail.is_empty()), (version(2), version(5), 3, false));
        assert_eq!(tail.bytes(), bytes(3, 5));
        for at in 0..=6 {
            let (known, length) = ((2..=5).contains(&at), u32::try_from(at * (at + 1) / 2).unwrap());
            assert_eq!(tail.length_at(version(at)), known.then_some(Utf16Length(length)), "{at}");
            assert_eq!(tail.hash_at(version(at)), known.then(|| whole.hash_at(version(at)).unwrap()), "{at}");
            let entry = (3..=5).contains(&at).then_some(version(at));
            assert_eq!(tail.get(version(at)).map(|entry| entry.version), entry, "{at}");
            assert_eq!(versions(&tail, at), known.then(|| (at + 1..=5).collect()), "{at}");
        }
        assert_eq!(tail.head_hash(), whole.hash_at(version(5)).unwrap());
        assert_ne!(tail.head_hash(), RunningHash::ZERO);
        let empty = filled(5, 5);
        assert_eq!((empty.start(), empty.head(), empty.len(), empty.bytes()), (version(5), version(5), 0, 0));
        assert_eq!((empty.is_empty(), empty.head_hash()), (true, tail.head_hash()));
        assert_eq!(empty.length_at(version(5)), Some(Utf16Length(15)));
    }

    #[test]
    fn it_keeps_as_many_entries_and_bytes_as_it_may() {
        let kept = |entries, bytes| {
            let mut tail = filled(0, 5);
            tail.shrink(entries, bytes);
            assert_eq!(tail.bytes(), self::bytes(tail.start().get() + 1, 5));
            tail.len()
        };
        assert_eq!([kept(9, usize::MAX), kept(5, usize::MAX), kept(4, usize::MAX), kept(0, usize::MAX)], [5, 5, 4, 0]);
        let two = bytes(4, 5);
        assert_eq!([kept(9, two + 1), kept(9, two), kept(9, two - 1), kept(9, 0)], [2, 2, 1, 0]);
    }

    #[test]
    fn it_is_extended_down_only_by_the_entries_that_lead_to_it() {
        let whole = filled(0, 5);
        let base = (version(1), whole.hash_at(version(1)).unwrap());
        let below = || vec![entry(2), entry(3)];
        let mut tail = filled(3, 5);
        assert!(!tail.extend_down(base.0, RunningHash::ZERO, below()), "another history");
        assert!(!tail.extend_down(base.0, base.1, vec![entry(2)]), "one is missing at the end");
        assert!(!tail.extend_down(base.0, base.1, vec![entry(3)]), "one is missing at the start");
        assert!(!tail.extend_down(base.0, base.1, vec![entry(2), entry(3), entry(4)]), "one is held already");
        let mut other = below();
        other[1].0.client_seq = ClientSeq::new(9).unwrap();
        assert!(!tail.extend_down(base.0, base.1, other), "another author's number");
        assert_eq!((tail.start(), tail.len(), tail.bytes()), (version(3), 2, bytes(4, 5)));
        assert!(tail.extend_down(base.0, base.1, below()));
        assert_eq!((tail.start(), tail.len(), tail.bytes()), (version(1), 4, bytes(2, 5)));
        for at in 1..=5 {
            assert_eq!(tail.hash_at(version(at)), whole.hash_at(version(at)), "{at}");
            assert_eq!(tail.length_at(version(at)), whole.length_at(version(at)), "{at}");
        }
        assert_eq!(versions(&tail, 1), Some(vec![2, 3, 4, 5]));
    }

    #[test]
    fn what_is_composed_is_what_the_entries_do_from_wherever_it_starts() {
        let most = 70;
        let mut tail = filled(0, most);
        for from in (0..=most).chain([0, 16, 31, 32, 33]) {
            let expected = (from + 1..=most)
                .fold(Operation::default(), |all, version| Operation::compose(&all, &entry(version).1).unwrap());
            assert_eq!(tail.compose_after(version(from)).as_deref(), Some(&expected), "{from}");
        }
        assert_eq!(tail.compose_after(version(most + 1)), None);
        // What is forgotten is composed no more, and what is kept stays right.
        let all = tail.compositions.kept();
        tail.shrink(40, usize::MAX);
        assert!(all.contains(&0) && all.contains(&32), "{all:?}");
        assert_eq!(tail.compositions.kept(), all.into_iter().filter(|&before| before >= 30).collect::<Vec<_>>());
        assert_eq!(tail.compose_after(version(29)), None);
        let expected =
            (31..=most).fold(Operation::default(), |all, version| Operation::compose(&all, &entry(version).1).unwrap());
        assert_eq!(tail.compose_after(version(30)).as_deref(), Some(&expected));
    }
}
