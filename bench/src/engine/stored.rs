//! What a typed letter takes on the disk, with all of its history kept.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cowrite_protocol::{ClientId, ClientSeq, DocumentId, DocumentType, Epoch, Generation, RichText};
use cowrite_server::oplog::disk::{DiskLog, DiskSettings};
use cowrite_server::oplog::{AppendOutcome, Batch, Head, Member, OpLog};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::trace;

/// So many edits are on their way at once, each an append of its own: they share a sync.
const AT_ONCE: usize = 64;

/// A trace as it was typed, each patch an edit, into the disk log, with times such as of someone who types.
pub(super) fn measure(file: &str) -> Value {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("threads");
    let operations: Vec<Bytes> = trace::read(file)
        .1
        .iter()
        .map(|(at, deleted, inserted)| {
            let mut packed = Vec::new();
            RichText::encode(&cowrite_bench_wasm::splice(*at as u32, *deleted as u32, inserted), &mut packed);
            packed.into()
        })
        .collect();
    let part = operations.len() / 5;
    let rows = runtime.block_on(write(&operations, 0));
    let packed = runtime.block_on(write(&operations, DiskSettings::new("").block_entries));
    // What waits to be packed, and the pages that the database has to spare, is as much at both times.
    let grown = (packed.end - packed.part) as f64 / (operations.len() - part) as f64;
    let per_edit = |stored: &Stored| (stored.end - stored.empty) as f64 / operations.len() as f64;
    json!({
        "edits": operations.len(), "inBlocks": grown, "whole": per_edit(&packed), "asWritten": per_edit(&rows),
        "longestMs": packed.longest.as_secs_f64() * 1e3, "longestMsWithout": rows.longest.as_secs_f64() * 1e3,
        "tookMs": packed.took.as_secs_f64() * 1e3, "tookMsWithout": rows.took.as_secs_f64() * 1e3,
    })
}

/// Bytes on the disk: of an empty log, after a fifth of the edits, and of all. And how long all of them took, and the
/// slowest of those that were on their way together.
struct Stored {
    empty: u64,
    part: u64,
    end: u64,
    took: Duration,
    longest: Duration,
}

async fn write(operations: &[Bytes], block_entries: u32) -> Stored {
    let folder = Folder::new();
    let log = DiskLog::open(DiskSettings { block_entries, ..DiskSettings::new(&folder.0) }).expect("a log");
    let document = "paper".parse().expect("an id");
    let mut typist = Typist { document, head: Head::default(), time_ms: START_MS, longest: Duration::ZERO };
    let (empty, begun) = (folder.bytes(), Instant::now());
    let (first, others) = operations.split_at(operations.len() / 5);
    typist.write(&log, first).await;
    let part = folder.bytes();
    typist.write(&log, others).await;
    let took = begun.elapsed();
    drop(log);
    Stored { empty, part, end: folder.bytes(), took, longest: typist.longest }
}

const START_MS: u64 = 1_800_000_000_000;

struct Typist {
    document: DocumentId,
    head: Head,
    time_ms: u64,
    longest: Duration,
}

impl Typist {
    async fn write(&mut self, log: &DiskLog, operations: &[Bytes]) {
        for operations in operations.chunks(AT_ONCE) {
            let batches: Vec<Batch> = operations.iter().map(|operation| self.batch(operation)).collect();
            let begun = Instant::now();
            let outcomes = join_all(batches.into_iter().map(|batch| log.append(&self.document, batch))).await;
            assert!(outcomes.iter().all(|outcome| matches!(outcome, AppendOutcome::Committed { .. })), "{outcomes:?}");
            self.longest = self.longest.max(begun.elapsed());
        }
    }

    fn batch(&mut self, operation: &Bytes) -> Batch {
        let expected = self.head;
        let (client, epoch) = (ClientId::from_bytes([7; 16]), Epoch::from_random(1));
        let version = expected.version.next();
        let client_seq = ClientSeq::new(version.get()).expect("a small number");
        let hash_after = expected.hash.advance(version, &client, client_seq, operation);
        // From 60 to 300 ms between two letters, at random.
        let mixed = version.get().wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.time_ms += 60 + ((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 33) % 240;
        self.head = Head { epoch: Some(epoch), version, hash: hash_after };
        let (user, operation) = ("ann".parse().expect("a user"), operation.clone());
        let member = Member { client, client_seq, generation: Generation::new(1), user, operation };
        Batch { expected, new_epoch: epoch, members: vec![member], hash_after, time_ms: self.time_ms }
    }
}

/// A folder of our own, for whoever makes it; gone with this.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Folder {
        Folder(std::env::temp_dir().join(format!("cowrite-stored-{}", std::process::id())))
    }

    /// What its files take on the disk.
    fn bytes(&self) -> u64 {
        let files = fs::read_dir(&self.0).expect("the folder is there");
        files.map(|file| file.and_then(|file| file.metadata()).expect("a file").blocks() * 512).sum()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left behind lies in the machine's own place for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}
