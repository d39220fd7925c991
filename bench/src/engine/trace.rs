//! Real typing, replayed: each patch is an edit of its own.

use std::fs::File;
use std::io::Read;
use std::time::Instant;

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Library;
use crate::native::mib;

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

/// As `bench/peers/libraries/trace.mjs`.
pub(super) fn measure(mut library: Box<dyn Library>, file: &str) -> Value {
    let mut json = String::new();
    GzDecoder::new(File::open(file).unwrap()).read_to_string(&mut json).unwrap();
    let trace: Trace = serde_json::from_str(&json).expect("a trace");
    drop(json);
    let patches: Vec<_> = trace.txns.into_iter().flat_map(|transaction| transaction.patches).collect();
    let resident = || mib(std::process::id(), "VmRSS");
    let before = resident();
    let begun = Instant::now();
    for (at, deleted, inserted) in &patches {
        library.splice(*at, *deleted, inserted);
    }
    let took = begun.elapsed();
    let after = resident();
    assert!(library.text() == trace.end_content, "{file} ends as another text");
    let (edits, bytes) = (patches.len() as f64, library.bytes());
    json!({
        "edits": patches.len(), "nsPerEdit": took.as_nanos() as f64 / edits, "memoryMib": after - before,
        "bytes": bytes, "bytesPerEdit": bytes.map(|bytes| bytes as f64 / edits),
    })
}
