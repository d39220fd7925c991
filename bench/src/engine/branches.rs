//! Two people edit one text apart, and then their work is brought together.

use std::time::Instant;

use serde_json::{Value, json};

use super::Pair;
use super::typist::{Typist, base};

/// As `bench/peers/libraries/merge.mjs`.
pub(super) fn measure(mut pair: Box<dyn Pair>, edits: usize) -> Value {
    let base = base();
    pair.begin(&base);
    let begun = Instant::now();
    let mut length = base.len();
    for (side, seed) in [(0, 1), (1, 2)] {
        let mut typist = Typist::new(seed, base.len());
        for _ in 0..edits {
            let (at, deleted, inserted) = typist.edit();
            pair.splice(side, at, deleted, &inserted);
        }
        length = length + typist.length() - base.len();
    }
    let edited = begun.elapsed();
    let begun = Instant::now();
    let bytes = pair.join();
    let merged = begun.elapsed();
    let (left, right) = (pair.text(0), pair.text(1));
    assert!(left == right, "the branches end as two texts");
    // A letter that both delete is gone once.
    assert!((length..=length + edits / 5).contains(&left.len()), "{} units instead of {length}", left.len());
    json!({ "mergeMs": merged.as_secs_f64() * 1e3, "editMs": edited.as_secs_f64() * 1e3, "bytes": bytes })
}
