use super::*;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn entry(version: u64, author: u8, seq: u64, time_ms: u64, operation: &[u8]) -> Entry {
    Entry {
        version: Version::new(version).unwrap(),
        client: ClientId::from_bytes([author; 16]),
        client_seq: ClientSeq::new(seq).unwrap(),
        user: ["ann", "ben@example.org"][usize::from(author % 2)].parse().unwrap(),
        time_ms,
        operation: Bytes::copy_from_slice(operation),
    }
}

/// Letters typed one behind the other, as packed operations.
fn typed(count: u64) -> Vec<Entry> {
    let text = "It was typed by hand, a letter at a time, and now and then a word stood in two places. ";
    let mut random = Random(1);
    let mut time_ms = 1_800_000_000_000;
    let entries = (0..count).map(|at| {
        time_ms += 60 + random.below(200);
        let mut operation = Vec::new();
        put_number(&mut operation, (70_000 + at) << 2);
        operation.extend([5, text.as_bytes()[at as usize % text.len()]]);
        entry(at + 1, 1, at + 9, time_ms, &operation)
    });
    entries.collect()
}

/// Entries in which nothing fits together.
fn strange(random: &mut Random) -> Vec<Entry> {
    let count = 1 + random.below(60);
    let first = 1 + random.below(1 << 40);
    let entries = (0..count).map(|at| {
        let len = [0, 1, 2, 3, 8, 9, 10, 300][random.below(8) as usize];
        let operation: Vec<u8> = (0..len).map(|_| [0x80, 0xff, 0, 5, 0x61][random.below(5) as usize]).collect();
        let seq = random.below(ClientSeq::MAX.get() + 1);
        let time_ms = [0, u64::MAX, random.below(1 << 41)][random.below(3) as usize];
        entry(first + at, random.below(3) as u8, seq, time_ms, &operation)
    });
    entries.collect()
}

fn advanced(hash: RunningHash, entries: &[Entry]) -> RunningHash {
    entries
        .iter()
        .fold(hash, |hash, entry| hash.advance(entry.version, &entry.client, entry.client_seq, &entry.operation))
}

const BEFORE: RunningHash = RunningHash::from_bytes([3; 16]);

/// A block of which the hash is known from after so many entries.
fn block(entries: &[Entry], from: usize) -> Block {
    let known = (from as u32, advanced(BEFORE, &entries[..from]));
    Block::new(entries.to_vec(), Some(known), Some(advanced(BEFORE, entries))).unwrap()
}

#[test]
fn whatever_is_in_a_block_reads_back() {
    let mut random = Random(2);
    for seed in 0..400 {
        let entries = strange(&mut random);
        let unknown = Block::new(entries.clone(), None, None).unwrap();
        for block in [block(&entries, random.below(entries.len() as u64) as usize), unknown] {
            let value = block.seal(7).unwrap();
            assert_eq!(unseal_block(block.key(7), &value).unwrap(), block, "seed {seed}");
        }
    }
    assert_eq!(Block::new(vec![], None, None), None);
    let whole = block(&typed(MAX_ENTRIES as u64), 0);
    assert_eq!(unseal_block(whole.key(1), &whole.seal(1).unwrap()).unwrap(), whole);
    assert_eq!(Block::new(typed(MAX_ENTRIES as u64 + 1), None, None), None);
}

#[test]
fn a_typed_letter_takes_two_bytes() {
    let value = block(&typed(2048), 0).seal(1).unwrap();
    assert!(value.len() < 2048 * 2, "{} bytes", value.len());
}

#[test]
fn the_running_hash_is_known_from_where_it_was_known() {
    let entries = typed(20);
    for from in 0..20 {
        let block = block(&entries, from);
        for count in 0..=20 {
            let known = (count >= from).then(|| advanced(BEFORE, &entries[..count]));
            assert_eq!(block.hash_after(count), known, "from {from} after {count}");
        }
        assert_eq!(block.hash_after(21), None);
    }
}

#[test]
fn a_block_without_its_first_entries_says_the_same_of_the_others() {
    let entries = typed(20);
    for from in [0, 1, 7, 19] {
        let whole = block(&entries, from);
        for first in 0..20 {
            let rest = whole.clone().without(first).unwrap();
            assert_eq!((rest.entries(), rest.end()), (&entries[first..], whole.end()));
            for count in 0..=20 - first {
                assert_eq!(rest.hash_after(count), whole.hash_after(first + count), "{from} {first} {count}");
            }
            assert_eq!(unseal_block(rest.key(1), &rest.seal(1).unwrap()).unwrap(), rest);
        }
        assert_eq!(whole.without(20), None);
    }
}

#[test]
fn no_flipped_bit_no_cut_and_no_other_place_reads() {
    let block = block(&typed(40), 0);
    let (key, value) = (block.key(1), block.seal(1).unwrap());
    for bit in 0..value.len() * 8 {
        let mut flipped = value.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(unseal_block(key, &flipped).is_err(), "bit {bit}");
    }
    for end in 0..value.len() {
        assert!(unseal_block(key, &value[..end]).is_err(), "cut at {end}");
    }
    for other in [
        BlockKey { number: 2, ..key },
        BlockKey { last: key.last + 1, first: key.first + 1, ..key },
        BlockKey { first: key.first + 1, ..key },
    ] {
        assert!(unseal_block(other, &value).is_err(), "{other:?}");
    }
}

#[test]
fn more_entries_than_a_block_may_have_are_refused_whatever_the_checksum_says() {
    let entries = typed(MAX_ENTRIES as u64 + 1);
    let block = Block { known: None, end: None, entries };
    assert!(unseal_block(block.key(1), &block.seal(1).unwrap()).is_err());
}

/// As by someone who can make checksums fit.
#[test]
fn any_bytes_with_a_checksum_that_fits_read_as_a_block_or_are_refused() {
    let mut random = Random(4);
    let (mut read_back, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let entries = strange(&mut random);
        let block = block(&entries, 0);
        let (mut key, value) = (block.key(1), block.seal(1).unwrap());
        let (mut fields, columns) = unseal::<BlockRecord>(&sum_key(key), &value).unwrap();
        let mut columns = columns.to_vec();
        for _ in 0..1 + random.below(3) {
            let at = random.below(columns.len() as u64) as usize;
            match random.below(6) {
                0 => columns[at] = random.below(256) as u8,
                1 => columns[at] ^= 1 << random.below(8),
                2 => columns.truncate(at + 1),
                3 => columns.insert(at, [0, 1, 0x7f, 0xff][random.below(4) as usize]),
                4 => fields.count = [0, 1, fields.count.wrapping_add(1), u32::MAX][random.below(4) as usize],
                _ => (key.last, key.first) = [(u64::MAX, 0), (0, u64::MAX), (u64::MAX, u64::MAX)][at % 3],
            }
        }
        let value = seal(&sum_key(key), &fields, &columns).unwrap();
        match unseal_block(key, &value) {
            Ok(block) => {
                assert_eq!(block.entries().len() as u64, key.last - key.first + 1);
                assert_eq!(block.key(1), key);
                read_back += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(read_back > 500 && refused > 5000, "{read_back} read, {refused} refused");
}
