//! Real typing, replayed: each patch is an edit of its own.

use std::fs::File;
use std::io::Read;
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Library;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trace {
    end_content: String,
    txns: Vec<Transaction>,
}

#[derive(Deserialize)]
struct Transaction {
    patches: Vec<(usize, usize, String)>,
}

/// So often a trace is replayed, unless that takes longer than this; the fastest counts.
const MOST_TIMES: usize = 5;
const LONG: Duration = Duration::from_secs(1);

/// As `bench/peers/libraries/trace.mjs`; memory is what the library has allocated and not freed, in a
/// replay of its own, so that counting costs the others no time.
pub(super) fn measure(make: impl Fn() -> Box<dyn Library>, file: &str) -> Value {
    let (end_content, patches) = read(file);
    let edits = patches.len() as f64;
    let (mut best, mut bytes) = (Duration::MAX, None);
    let begun = Instant::now();
    for _ in 0..MOST_TIMES {
        let mut library = make();
        let since = Instant::now();
        replay(&mut *library, &patches);
        best = best.min(since.elapsed());
        assert!(library.text() == end_content, "{file} ends as another text");
        bytes = library.bytes();
        if begun.elapsed() > LONG {
            break;
        }
    }
    let held = held(|| {
        let mut library = make();
        replay(&mut *library, &patches);
        library
    });
    json!({
        "edits": patches.len(), "nsPerEdit": best.as_nanos() as f64 / edits,
        "memoryMib": held.map(|bytes| bytes as f64 / f64::from(1 << 20)),
        "bytes": bytes, "bytesPerEdit": bytes.map(|bytes| bytes as f64 / edits),
    })
}

/// The text at the end of a trace, and its patches: where, how many letters go, and what comes.
pub(super) fn read(file: &str) -> (String, Vec<(usize, usize, String)>) {
    let mut json = String::new();
    GzDecoder::new(File::open(file).unwrap()).read_to_string(&mut json).unwrap();
    let trace: Trace = serde_json::from_str(&json).expect("a trace");
    (trace.end_content, trace.txns.into_iter().flat_map(|transaction| transaction.patches).collect())
}

fn replay(library: &mut dyn Library, patches: &[(usize, usize, String)]) {
    for (at, deleted, inserted) in patches {
        library.splice(*at, *deleted, inserted);
    }
}

/// Bytes that what is made holds.
#[cfg(feature = "peers")]
fn held<T>(make: impl FnOnce() -> T) -> Option<i64> {
    let mut made = None;
    let counted = allocation_counter::measure(|| made = Some(make()));
    Some(counted.bytes_current)
}

/// Bytes are counted with the feature `peers` only.
#[cfg(not(feature = "peers"))]
fn held<T>(_: impl FnOnce() -> T) -> Option<i64> {
    None
}
