//! Faults with real processes: `cargo xtask faults [--minutes N] [--seed S] [--only KIND]`.

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cowrite_tests::faults::{FaultKind, FaultRun, Site};

const USAGE: &str = "usage: faults [--minutes N] [--seed S] [--only KIND]";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let run = match read(std::env::args().skip(1)) {
        Ok(run) => run,
        Err(wrong) => {
            let kinds = FaultKind::ALL.map(FaultKind::name).join(" ");
            eprintln!("{wrong}\n{USAGE}\nkinds: {kinds}");
            return ExitCode::FAILURE;
        }
    };
    println!("seed {}", run.seed);
    match run.run().await {
        Ok(summary) => {
            println!("seed {}: {summary}no violation", run.seed);
            ExitCode::SUCCESS
        }
        Err(failed) => {
            eprintln!("{failed}");
            ExitCode::FAILURE
        }
    }
}

fn read(mut words: impl Iterator<Item = String>) -> Result<FaultRun, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut run = FaultRun {
        seed: u64::from(now.subsec_nanos()),
        lasts: Duration::from_mins(5),
        only: None,
        sites: vec![Site::Disk, Site::Redis],
        strikes: 14,
        long: true,
        wipe_every: 3,
    };
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("`{word}` needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("`{value}` is no number"));
        match word.as_str() {
            "--minutes" => run.lasts = Duration::from_mins(number()?),
            "--seed" => run.seed = number()?,
            "--only" => {
                let kind = FaultKind::named(&value).ok_or_else(|| format!("there is no fault `{value}`"))?;
                run.only = Some(kind);
                run.sites.retain(|site| kind.strikes(*site));
            }
            _ => return Err(format!("there is no option `{word}`")),
        }
    }
    Ok(run)
}
