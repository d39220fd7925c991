//! Which entries of a document are put together in blocks, and when.
//!
//! It is done with a checkpoint, in the same transaction: blocks are put in place of entries that the database has or
//! is about to take in, or neither is done. What they are made of has been read before, document by document: one that
//! can not be read keeps its rows, and stops nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use cowrite_protocol::{RunningHash, Version};

use super::block::{Block, MAX_ENTRIES, unseal_block};
use super::error::StoreError;
use super::record::unseal_entry;
use super::table::{BlockKey, entry_key, load_head};
use super::view::View;
use crate::oplog::Entry;

/// How many entries are read at most for one checkpoint: all appends wait so long. No fewer than a journal of the
/// default size brings, so that blocks keep up with what is written.
const STEP_ENTRIES: usize = 16_384;
/// The same in bytes of their operations.
const STEP_BYTES: usize = 4 << 20;

/// A value of so many bytes fills a page of the database, which nothing else shares with it then.
const PAGE_BYTES: usize = 4064;
/// How many bytes of operations a block takes before it is compressed.
const OPERATION_BYTES: usize = 48 << 10;

/// Which entries are put together.
#[derive(Clone, Copy, Debug)]
pub(super) struct PackSettings {
    /// How many entries a block has at most; with 0 there are none.
    pub(super) block_entries: usize,
    /// How many of the newest are left as they are.
    pub(super) tail_entries: u64,
}

/// What is done with the documents that can not be packed: they keep their rows, until the next start.
#[derive(Debug, Default)]
pub(super) struct Packer {
    /// Those of the checkpoint under way; they are to blame if it fails.
    under_way: BTreeSet<u64>,
    avoided: BTreeSet<u64>,
    /// The name of the last one that was looked at, so that the next time others come first.
    pub(super) last: Box<str>,
}

impl Packer {
    /// Begins a checkpoint. If the last one with blocks has failed, its documents are left alone from now on.
    pub(super) fn begin(&mut self) {
        self.avoided.append(&mut self.under_way);
    }

    pub(super) fn avoids(&self, number: u64) -> bool {
        self.avoided.contains(&number)
    }

    pub(super) fn avoid(&mut self, number: u64) {
        self.avoided.insert(number);
    }

    /// These documents' blocks are about to be put.
    pub(super) fn try_on(&mut self, packed: &BTreeMap<u64, Packed>) {
        self.under_way.extend(packed.keys());
    }

    /// The checkpoint is on the disk.
    pub(super) fn done(&mut self) {
        self.under_way.clear();
    }
}

/// Blocks to be put in place of a document's entries.
#[derive(Debug)]
pub(super) struct Packed {
    /// The versions of the first and the last of these entries.
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) blocks: Vec<(BlockKey, Vec<u8>)>,
}

/// What is left to be read for one checkpoint.
#[derive(Debug)]
pub(super) struct Budget {
    entries: usize,
    bytes: usize,
}

impl Budget {
    pub(super) fn of_a_step() -> Budget {
        Budget { entries: STEP_ENTRIES, bytes: STEP_BYTES }
    }

    pub(super) fn is_spent(&self) -> bool {
        self.entries == 0 || self.bytes == 0
    }
}

/// How many entries a document has at least before any of them is put into a block.
pub(super) fn long_enough(settings: PackSettings) -> u64 {
    settings.tail_entries.saturating_add(settings.block_entries as u64)
}

/// Makes blocks of a document's oldest rows, as far as the budget goes; `None` if it has too few, or if they are not
/// what they should be. Cost: reading them, and compression.
pub(super) fn pack(view: &View<'_>, settings: PackSettings, budget: &mut Budget) -> Result<Option<Packed>, StoreError> {
    let Some(head) = load_head(view)? else { return Ok(None) };
    let (number, floor) = (head.number, head.floor.get());
    let Some((first, last)) = view.ends(number)? else { return Ok(None) };
    let blocks_end = view.block_ends(number, floor + 1)?.map(|(_, last)| last.last);
    // What does not fit is damage, which is for whoever opens the document to find.
    if last != head.version.get() || first != blocks_end.unwrap_or(floor) + 1 {
        return Ok(None);
    }
    let Some(end) = last.checked_sub(settings.tail_entries) else { return Ok(None) };
    if end.saturating_add(1) < first.saturating_add(settings.block_entries as u64) {
        return Ok(None);
    }
    let before = hash_before(view, number, first, head.snapshot)?;
    let rows = read_rows(view, number, (first, end), before, budget)?;
    let mut blocks = Vec::new();
    let mut rest = &rows[..];
    while rest.len() >= settings.block_entries {
        let (block, value) = next_block(number, rest, settings)?;
        // Nothing is removed but for what reads back as it was.
        let key = block.key(number);
        if unseal_block(key, &value)? != block {
            return Err(StoreError::damaged("a block does not read back as it was written"));
        }
        rest = &rest[block.entries().len()..];
        blocks.push((key, value));
    }
    let Some((key, _)) = blocks.last() else { return Ok(None) };
    let last = key.last;
    view.foresee_blocks(number, first, last)?;
    Ok(Some(Packed { first, last, blocks }))
}

/// The running hash before a version, if it is known.
fn hash_before(
    view: &View<'_>,
    number: u64,
    version: u64,
    snapshot: Option<(Version, RunningHash)>,
) -> Result<Option<RunningHash>, StoreError> {
    let before = version - 1;
    if before == 0 {
        return Ok(Some(RunningHash::ZERO));
    }
    if let Some((at, hash)) = snapshot
        && at.get() == before
    {
        return Ok(Some(hash));
    }
    let Some((key, value)) = view.block_at(number, before)? else { return Ok(None) };
    Ok(unseal_block(key, &value)?.end())
}

/// An entry, and the running hashes before and after it where they are known.
struct PackRow {
    entry: Entry,
    before: Option<RunningHash>,
    after: Option<RunningHash>,
}

/// Reads entries up to the last one whose running hash is stored with it, and follows from those before: what the rows
/// say of the history, a block can say too.
fn read_rows(
    view: &View<'_>,
    number: u64,
    (first, last): (u64, u64),
    before: Option<RunningHash>,
    budget: &mut Budget,
) -> Result<Vec<PackRow>, StoreError> {
    let (mut rows, mut proved, mut hash): (Vec<PackRow>, _, _) = (Vec::new(), 0, before);
    view.entries(number, first, last, |found, value| {
        let version = first + rows.len() as u64;
        let Some(version) = Version::new(version).filter(|_| version == found && !budget.is_spent()) else {
            return Ok(ControlFlow::Break(()));
        };
        let Ok((entry, stored)) = unseal_entry(&entry_key(number, version), version, value) else {
            return Ok(ControlFlow::Break(()));
        };
        let before = hash;
        let follows = before.map(|hash| hash.advance(entry.version, &entry.client, entry.client_seq, &entry.operation));
        match (follows, stored) {
            (Some(follows), Some(stored)) if follows != stored => return Ok(ControlFlow::Break(())),
            (Some(_), None) => hash = follows,
            (_, stored) => hash = stored,
        }
        budget.entries -= 1;
        budget.bytes = budget.bytes.saturating_sub(entry.operation.len());
        rows.push(PackRow { entry, before, after: hash });
        if stored.is_some() {
            proved = rows.len();
        }
        Ok(ControlFlow::Continue(()))
    })?;
    rows.truncate(proved);
    Ok(rows)
}

/// A block of the first of these rows, and its value: as many as fill a page of the database.
fn next_block(number: u64, rows: &[PackRow], settings: PackSettings) -> Result<(Block, Vec<u8>), StoreError> {
    let most = settings.block_entries.clamp(1, MAX_ENTRIES).min(rows.len());
    let mut bytes = 0;
    let fitting = rows[..most].iter().take_while(|row| {
        let fits = bytes < OPERATION_BYTES;
        bytes += row.entry.operation.len();
        fits
    });
    let mut count = fitting.count();
    // Fewer are hardly worth a row of their own, however long they are.
    let least = most.div_ceil(8).min(count);
    loop {
        let block = block_of(&rows[..count]).ok_or_else(|| StoreError::damaged("a block of no entries"))?;
        let value = block.seal(number)?;
        if value.len() <= PAGE_BYTES || count == least {
            return Ok((block, value));
        }
        count = (count * PAGE_BYTES / value.len() * 63 / 64).clamp(least, count - 1);
    }
}

fn block_of(rows: &[PackRow]) -> Option<Block> {
    let known = match rows.first()?.before {
        Some(hash) => Some((0, hash)),
        None => rows.iter().zip(1..).find_map(|(row, count)| row.after.map(|hash| (count, hash))),
    };
    let end = rows.last()?.after;
    Block::new(rows.iter().map(|row| row.entry.clone()).collect(), known, end)
}
