//! New seeds of every kind of simulated run, for as long as it is told: `cargo xtask soak`.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cowrite_tests::simulation::{Scenario, World, tell};

const USAGE: &str = "usage: soak [--minutes N] [--runs N] [--from SEED] [--kind NAME] [--shrink SECONDS]";
const PROGRESS: Duration = Duration::from_secs(30);

struct Wish {
    minutes: f64,
    runs: u64,
    shrink_seconds: u64,
    from: u64,
    kind: Option<String>,
}

fn main() -> ExitCode {
    let wish = match wish(std::env::args().skip(1)) {
        Some(wish) => wish,
        None => {
            eprintln!("{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    let named = |(name, _): &(&str, _)| wish.kind.as_deref().is_none_or(|kind| kind == *name);
    let kinds: Vec<_> = Scenario::KINDS.into_iter().filter(named).collect();
    if kinds.is_empty() {
        eprintln!("{USAGE}; the kinds are {}", Scenario::KINDS.map(|(name, _)| name).join(", "));
        return ExitCode::FAILURE;
    }
    let (begun, time) = (Instant::now(), Duration::from_secs_f64(wish.minutes * 60.0));
    let (next, done, stop) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let failure = Mutex::new(None);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let left = AtomicU64::new(threads as u64);
    println!("seeds from {} on {threads} threads", wish.from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let _leaving = Leaving { left: &left, stop: &stop };
                while !stop.load(Relaxed) && begun.elapsed() < time {
                    let number = next.fetch_add(1, Relaxed);
                    if number >= wish.runs {
                        break;
                    }
                    let (name, kind) = kinds[number as usize % kinds.len()];
                    let seed = wish.from.wrapping_add(number / kinds.len() as u64);
                    if let Err(fault) = World::run(kind(seed)) {
                        stop.store(true, Relaxed);
                        if let Ok(mut failure) = failure.lock() {
                            failure.get_or_insert((number + 1, name, seed, kind(seed), fault));
                        }
                    }
                    done.fetch_add(1, Relaxed);
                }
            });
        }
        let mut told = Instant::now();
        while left.load(Relaxed) > 0 {
            std::thread::sleep(Duration::from_millis(100));
            if told.elapsed() >= PROGRESS {
                told = Instant::now();
                println!("{}", progress(done.load(Relaxed), begun));
            }
        }
    });
    println!("{}", progress(done.load(Relaxed), begun));
    match failure.into_inner().unwrap_or_default() {
        None => ExitCode::SUCCESS,
        Some((number, name, seed, scenario, fault)) => {
            println!("failed: run {number}, {name} {seed}: {fault}");
            println!("{}", tell(name, seed, scenario, fault, Duration::from_secs(wish.shrink_seconds)));
            ExitCode::FAILURE
        }
    }
}

/// A thread that ends, and ends the others with it if it panics.
struct Leaving<'a> {
    left: &'a AtomicU64,
    stop: &'a AtomicBool,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.stop.store(true, Relaxed);
        }
        self.left.fetch_sub(1, Relaxed);
    }
}

fn progress(runs: u64, begun: Instant) -> String {
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    format!("{minutes:.1} min: {runs} sessions, {:.0} runs/min", runs as f64 / minutes)
}

fn wish(mut words: impl Iterator<Item = String>) -> Option<Wish> {
    // Other seeds each time, unless they are asked for.
    let from = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() * 100_000);
    let mut wish = Wish { minutes: 10.0, runs: u64::MAX, shrink_seconds: 120, from, kind: None };
    while let Some(word) = words.next() {
        let value = words.next()?;
        match word.as_str() {
            "--minutes" => wish.minutes = value.parse().ok().filter(|minutes: &f64| *minutes > 0.0)?,
            "--runs" => wish.runs = value.parse().ok()?,
            "--shrink" => wish.shrink_seconds = value.parse().ok()?,
            "--from" => wish.from = value.parse().ok()?,
            "--kind" => wish.kind = Some(value),
            _ => return None,
        }
    }
    Some(wish)
}
