//! Consecutive entries of one document in one value, column by column.
//!
//! Typed letters differ little from one another: the author stays the same, its numbers rise by one, the place moves
//! by one letter. So each of these is a column of its own, of differences or runs. Nothing is known here of what an
//! operation is, but that mostly it begins with a number: that one is taken for a difference too, and of short
//! operations the bytes behind it are put together by their places.
//!
//! ```text
//! fields:   how many entries, a running hash and where it is known from, the one after the last
//! meta:     authors (client id, user), whose each entry is, its client_seq from the author's last one,
//!           whether its operation begins with a number and how many bytes are behind that
//! times:    from the one before
//! leads:    the numbers that operations begin with, from the one before
//! rest:     the bytes behind them: those of up to 8 by their number and place, then the longer ones
//! ```

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use cowrite_protocol::{ClientId, ClientSeq, RunningHash, UserId, Version};
use serde::{Deserialize, Serialize};

use super::columns::{Columns, folded, leading_number, put_number, put_runs, put_section, put_step, unfolded};
use super::record::{RecordError, seal, unseal};
use super::table::{BlockKey, Table, numbered};
use crate::oplog::Entry;

/// A block has no more entries: to read it takes no more memory than so many, and a few megabytes.
pub(super) const MAX_ENTRIES: usize = 4096;

/// Of operations of up to so many bytes behind the number, those at the same place are put together.
const SHORT: u64 = 8;

/// Entries without a gap, and what is known of the history that they are part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The running hash after so many of the entries, the fewest for which it is known. Behind them it follows
    /// from the entries.
    known: Option<(u32, RunningHash)>,
    /// The running hash after the last, if one is known.
    end: Option<RunningHash>,
    /// At least one.
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct BlockRecord {
    count: u32,
    known: Option<(u32, RunningHash)>,
    end: Option<RunningHash>,
}

impl Block {
    /// A block of these entries, which have consecutive versions; `None` if they are none or too many.
    pub(super) fn new(
        entries: Vec<Entry>,
        known: Option<(u32, RunningHash)>,
        end: Option<RunningHash>,
    ) -> Option<Block> {
        (1..=MAX_ENTRIES).contains(&entries.len()).then_some(Block { known, end, entries })
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    /// The running hash after the last entry, if one is known.
    pub(super) fn end(&self) -> Option<RunningHash> {
        self.end
    }

    /// The running hash after so many of the entries, where it is known. Cost: one hash an entry.
    pub(super) fn hash_after(&self, count: usize) -> Option<RunningHash> {
        let (from, hash) = self.known?;
        let entries = self.entries.get(usize::try_from(from).ok()?..count)?;
        Some(
            entries.iter().fold(hash, |hash, entry| {
                hash.advance(entry.version, &entry.client, entry.client_seq, &entry.operation)
            }),
        )
    }

    /// The same block without its first entries; `None` if nothing is left.
    pub(super) fn without(mut self, first: usize) -> Option<Block> {
        if first >= self.entries.len() {
            return None;
        }
        let known = match self.known {
            Some((from, hash)) if from as usize > first => Some((from - u32::try_from(first).ok()?, hash)),
            _ => self.hash_after(first).map(|hash| (0, hash)),
        };
        self.entries.drain(..first);
        Some(Block { known, ..self })
    }

    /// Where the block belongs.
    pub(super) fn key(&self, number: u64) -> BlockKey {
        let version = |entry: Option<&Entry>| entry.map_or(0, |entry| entry.version.get());
        BlockKey { number, last: version(self.entries.last()), first: version(self.entries.first()) }
    }

    /// Writes the block. Cost: some compression.
    pub(super) fn seal(&self, number: u64) -> Result<Vec<u8>, RecordError> {
        let count = u32::try_from(self.entries.len()).map_err(|_| RecordError::Columns)?;
        let fields = BlockRecord { count, known: self.known, end: self.end };
        let mut columns = Vec::new();
        for section in [self.meta(), self.times(), self.leads(), self.rest()] {
            put_section(&mut columns, &section);
        }
        seal(&sum_key(self.key(number)), &fields, &columns)
    }

    fn meta(&self) -> Vec<u8> {
        let mut authors: Vec<(&ClientId, &UserId, u64)> = Vec::new();
        let mut known: HashMap<(&ClientId, &UserId), usize> = HashMap::new();
        let (mut indexes, mut steps) = (Vec::new(), Vec::new());
        for entry in &self.entries {
            let index = *known.entry((&entry.client, &entry.user)).or_insert_with(|| {
                authors.push((&entry.client, &entry.user, 0));
                authors.len() - 1
            });
            let seq = entry.client_seq.get();
            steps.push(folded(std::mem::replace(&mut authors[index].2, seq), seq));
            indexes.push(index);
        }
        let mut meta = Vec::new();
        put_number(&mut meta, authors.len() as u64);
        for (client, user, _) in authors {
            meta.extend_from_slice(client.as_bytes());
            put_number(&mut meta, user.as_str().len() as u64);
            meta.extend_from_slice(user.as_str().as_bytes());
        }
        put_runs(&mut meta, indexes.into_iter().map(|index| index as u64));
        put_runs(&mut meta, steps);
        put_runs(&mut meta, self.entries.iter().map(|entry| Shape::of(&entry.operation).0.number()));
        meta
    }

    fn times(&self) -> Vec<u8> {
        let (mut times, mut before) = (Vec::new(), 0);
        for entry in &self.entries {
            put_step(&mut times, before, entry.time_ms);
            before = entry.time_ms;
        }
        times
    }

    fn leads(&self) -> Vec<u8> {
        let (mut leads, mut before) = (Vec::new(), 0);
        for entry in &self.entries {
            if let (Shape { leads: true, .. }, lead) = Shape::of(&entry.operation) {
                put_step(&mut leads, before, lead);
                before = lead;
            }
        }
        leads
    }

    fn rest(&self) -> Vec<u8> {
        let shapes: Vec<Shape> = self.entries.iter().map(|entry| Shape::of(&entry.operation).0).collect();
        let total = shapes.iter().map(|shape| shape.rest as usize).sum();
        let mut rest = vec![0; total];
        for (places, entry) in Places::of(&shapes).zip(&self.entries) {
            let operation = &entry.operation;
            let behind = operation.len() - places.len;
            for (place, byte) in places.zip(&operation[behind..]) {
                rest[place] = *byte;
            }
        }
        rest
    }
}

/// Reads a block. Cost: its entries; memory for no more than [`MAX_ENTRIES`], whatever the bytes are.
pub(super) fn unseal_block(key: BlockKey, value: &[u8]) -> Result<Block, RecordError> {
    let (fields, columns) = unseal::<BlockRecord>(&sum_key(key), value)?;
    read(key, fields, Columns::of(columns)).ok_or(RecordError::Columns)
}

fn read(key: BlockKey, fields: BlockRecord, mut columns: Columns<'_>) -> Option<Block> {
    let count = usize::try_from(fields.count).ok().filter(|count| (1..=MAX_ENTRIES).contains(count))?;
    if key.last.checked_sub(key.first)?.checked_add(1)? != u64::from(fields.count)
        || fields.known.is_some_and(|(from, _)| from > fields.count)
        || Version::new(key.last).is_none()
    {
        return None;
    }
    let (meta, times) = (columns.section()?, columns.section()?);
    let (leads, rest) = (columns.section()?, columns.section()?);
    if !columns.is_empty() {
        return None;
    }
    let (mut meta, mut times, mut leads) = (Columns::of(&meta), Columns::of(&times), Columns::of(&leads));
    let mut authors: Vec<(ClientId, UserId, u64)> = Vec::new();
    for _ in 0..usize::try_from(meta.number()?).ok().filter(|authors| *authors <= count)? {
        let client = ClientId::from_bytes(meta.bytes(16)?.try_into().ok()?);
        let user = meta.number()?;
        let user = std::str::from_utf8(meta.bytes(user)?).ok()?.parse().ok()?;
        authors.push((client, user, 0));
    }
    let (indexes, steps) = (meta.runs(count)?, meta.runs(count)?);
    let shapes: Vec<Shape> = meta.runs(count)?.into_iter().map(Shape::from_number).collect();
    let total = shapes.iter().try_fold(0_u64, |total, shape| total.checked_add(shape.rest))?;
    if usize::try_from(total).ok()? != rest.len() {
        return None;
    }
    let (mut time_ms, mut lead) = (0, 0);
    let mut entries = Vec::with_capacity(count);
    let mut operation = Vec::new();
    for (at, places) in Places::of(&shapes).enumerate() {
        let (client, user, seq) = authors.get_mut(usize::try_from(indexes[at]).ok()?)?;
        *seq = unfolded(*seq, steps[at]);
        time_ms = times.step(time_ms)?;
        operation.clear();
        if shapes[at].leads {
            lead = leads.step(lead)?;
            put_number(&mut operation, lead);
        }
        operation.extend(places.map(|place| rest[place]));
        entries.push(Entry {
            version: Version::new(key.first + at as u64)?,
            client: *client,
            client_seq: ClientSeq::new(*seq)?,
            user: user.clone(),
            time_ms,
            operation: Bytes::copy_from_slice(&operation),
        });
    }
    let whole = meta.is_empty() && times.is_empty() && leads.is_empty();
    whole.then_some(Block { known: fields.known, end: fields.end, entries })
}

/// What a block's checksum takes for its key.
fn sum_key(key: BlockKey) -> Vec<u8> {
    let mut rest = key.last.to_be_bytes().to_vec();
    rest.extend_from_slice(&key.first.to_be_bytes());
    numbered(Table::Blocks, key.number, &rest)
}

/// Of what an operation consists, as far as a block looks at it.
#[derive(Clone, Copy, Debug)]
struct Shape {
    /// It begins with a number.
    leads: bool,
    /// How many bytes are behind that.
    rest: u64,
}

impl Shape {
    /// An operation's shape, and the number that it begins with if it does.
    fn of(operation: &[u8]) -> (Shape, u64) {
        match leading_number(operation) {
            Some((lead, bytes)) => (Shape { leads: true, rest: (operation.len() - bytes) as u64 }, lead),
            None => (Shape { leads: false, rest: operation.len() as u64 }, 0),
        }
    }

    fn number(self) -> u64 {
        self.rest << 1 | u64::from(self.leads)
    }

    fn from_number(number: u64) -> Shape {
        Shape { leads: number & 1 == 1, rest: number >> 1 }
    }
}

/// The places of one operation's bytes among those of all.
struct Places {
    next: usize,
    stride: usize,
    len: usize,
}

impl Places {
    /// Of each operation, in their order. The sum of their lengths must be one of a slice.
    fn of(shapes: &[Shape]) -> impl Iterator<Item = Places> {
        let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
        let (mut long, mut short) = (0, [(0, 0); SHORT as usize + 1]);
        for shape in shapes.iter().filter(|shape| shape.rest <= SHORT) {
            *counts.entry(shape.rest).or_default() += 1;
        }
        for (rest, count) in counts {
            short[rest as usize] = (long, count);
            long += rest as usize * count;
        }
        shapes.iter().map(move |shape| {
            let len = shape.rest as usize;
            let (next, stride) = match short.get_mut(len) {
                Some((next, count)) => {
                    *next += 1;
                    (*next - 1, *count)
                }
                None => {
                    long += len;
                    (long - len, 1)
                }
            };
            Places { next, stride, len }
        })
    }
}

impl Iterator for Places {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.len = self.len.checked_sub(1)?;
        let place = self.next;
        self.next += self.stride;
        Some(place)
    }
}

#[cfg(test)]
mod tests;
