//! What the length of a text costs: an edit in it, and to open it.

use std::fs;
use std::time::Instant;

use serde_json::{Value, json};

use super::cowrite::Sequenced;
use super::library::Library;

const EDITS: usize = 30_000;
const OPENS: usize = 10;

/// Edits at places all over a text of so many units, through an engine, frames, a room and a log in memory; then others
/// who open it, in time: processor time of a thread is counted in steps that are longer than that.
pub(super) fn measure(units: usize) -> Value {
    let mut long = Sequenced::new();
    long.splice(0, 0, &"Lorem ipsum. ".repeat(units / 13 + 1)[..units]);
    let before = cpu_ms();
    for number in 0..EDITS {
        let at = (number * 7919) % (units - 1);
        if number.is_multiple_of(2) { long.splice(at, 0, "x") } else { long.splice(at, 1, "") }
    }
    let edits = cpu_ms() - before;
    let begun = Instant::now();
    let mut bytes = 0;
    for _ in 0..OPENS {
        let late = long.pipe.join();
        bytes = long.pipe.client(late).down.bytes();
        long.pipe.disconnect(late);
    }
    let opens = begun.elapsed().as_secs_f64() * 1e3;
    let late = long.pipe.join();
    assert!(long.pipe.text(late) == long.text(), "who comes late has another text");
    json!({ "editUs": edits * 1e3 / EDITS as f64, "openMs": opens / OPENS as f64, "bytes": bytes })
}

/// Processor time of this thread.
pub(super) fn cpu_ms() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux says");
    let nanoseconds = stat.split_whitespace().next().and_then(|time| time.parse::<f64>().ok()).expect("a time");
    nanoseconds / 1e6
}
