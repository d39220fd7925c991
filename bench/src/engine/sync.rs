//! What it costs to have a few bytes on the disk, without a log or a server: the limit of every figure of the log on disk.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::size::cpu_ms;
use super::stored::Folder;
use crate::sample::Sample;

/// An entry of one letter, with the rows that go with it.
const RECORD: [u8; 300] = [7; 300];
/// A half of the file, which is filled up beforehand as a journal is: a sync then need not find blocks.
const HALF_BYTES: u64 = 8 << 20;
const TIMES: u64 = 300;

/// A record at the end of each half of a file and one sync for both, as the log's journal does it, with these pauses in
/// between; and the same pauses with nothing to do, since to be woken costs processor time too.
pub(super) fn measure() -> Value {
    let folder = Folder::new();
    fs::create_dir(&folder.0).expect("a folder");
    let file = File::create_new(folder.0.join("records")).expect("a file");
    file.write_all_at(&vec![0; 2 * HALF_BYTES as usize], 0).expect("room");
    file.sync_all().expect("a sync");
    let rates = [20_000, 1_000, 0].map(|pause_us| {
        let pause = Duration::from_micros(pause_us);
        let ((), idle_ms) = spent(|| (0..TIMES).for_each(|_| thread::sleep(pause)));
        let (taken, busy_ms) = spent(|| {
            let mut taken = Sample::default();
            for number in 0..TIMES {
                thread::sleep(pause);
                let begun = Instant::now();
                let at = number * RECORD.len() as u64;
                file.write_all_at(&RECORD, at).expect("written");
                file.write_all_at(&RECORD, HALF_BYTES + at).expect("written");
                file.sync_data().expect("synced");
                taken.add(begun.elapsed());
            }
            taken
        });
        let ms = |share| taken.percentile(share).as_secs_f64() * 1e3;
        json!({ "p50": ms(0.5), "p99": ms(0.99), "cpuUs": (busy_ms - idle_ms) * 1e3 / TIMES as f64 })
    });
    json!({ "rates": rates })
}

/// What comes of it, and the processor time that it took.
fn spent<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let before = cpu_ms();
    let done = work();
    (done, cpu_ms() - before)
}
