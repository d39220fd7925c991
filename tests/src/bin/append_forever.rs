//! Appends to document "a" of the data folder that is named until it is killed, and writes
//! a line with each version once it is acknowledged.

use std::error::Error;
use std::io::{Write, stdout};

use cowrite_protocol::{Epoch, RunningHash};
use cowrite_server::oplog::disk::{DiskLog, DiskSettings};
use cowrite_server::oplog::{AppendOutcome, Batch, OpLog};
use cowrite_tests::oplog_suite::{document, member};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: append_forever FOLDER")?;
    let log = DiskLog::open(DiskSettings::new(folder))?;
    let id = document("a");
    let mut head = log.open(&id, None).await?.head;
    loop {
        let members = vec![member(1, head.version.get() + 1)];
        let (epoch, hash) = (Epoch::from_random(1), RunningHash::from_bytes([head.version.get() as u8; 16]));
        let batch = Batch { expected: head, new_epoch: epoch, members, hash_after: hash, time_ms: 0 };
        match log.append(&id, batch).await {
            AppendOutcome::Committed { head: now } => head = now,
            other => return Err(format!("{other:?}").into()),
        }
        writeln!(stdout(), "{}", head.version)?;
        stdout().flush()?;
    }
}
