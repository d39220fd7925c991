//! The targets on the committed corpus, and on mutations of it: so none goes stale between two real runs.

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{TARGETS, Target};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}

fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus/fuzz").join(name);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut inputs: Vec<_> = files
        .map(|file| {
            let path = file.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())
        })
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} is empty", folder.display());
    inputs
}

fn mutated(inputs: &[(String, Vec<u8>)], random: &mut Random) -> Vec<u8> {
    let mut input = inputs[random.below(inputs.len())].1.clone();
    for _ in 0..=random.below(4) {
        let at = random.below(input.len() + 1);
        match random.below(6) {
            0 => input.insert(at, random.below(256) as u8),
            1 if at < input.len() => drop(input.remove(at)),
            2 if at < input.len() => input[at] ^= 1 << random.below(8),
            3 if at < input.len() => input[at] = random.below(256) as u8,
            4 => {
                let other = &inputs[random.below(inputs.len())].1;
                let tail = other[random.below(other.len() + 1)..].to_vec();
                input.splice(at.., tail);
            }
            _ => {
                let end = (at + random.below(16)).min(input.len());
                let twice = input[at..end].to_vec();
                input.splice(at..at, twice);
            }
        }
    }
    input
}

fn run(target: Target, name: &str, what: &str, input: &[u8]) {
    if panic::catch_unwind(AssertUnwindSafe(|| target(input))).is_err() {
        panic!("{name} fails on {what}: {input:02x?}");
    }
}

/// `COWRITE_FUZZ_SEED` gives other mutations, `COWRITE_FUZZ_RUNS` so many of each target.
fn smoke(name: &str, runs: u64) {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().expect("a number"));
    let (_, target) = TARGETS.into_iter().find(|(known, _)| *known == name).unwrap();
    let (inputs, began) = (corpus(name), Instant::now());
    inputs.iter().for_each(|(file, input)| run(target, name, file, input));
    let seed = number("COWRITE_FUZZ_SEED").unwrap_or(1);
    let runs = number("COWRITE_FUZZ_RUNS").unwrap_or(runs);
    let mut random = Random(seed);
    for at in 0..runs {
        let input = mutated(&inputs, &mut random);
        run(target, name, &format!("mutation {at} of seed {seed}"), &input);
    }
    println!("{name}: {} inputs, {runs} mutations in {:?}", inputs.len(), began.elapsed());
    let whole: usize = inputs.iter().map(|(_, input)| input.len()).sum();
    assert!(whole < 60_000, "the corpus of {name} has {whole} bytes: `cargo xtask fuzz` says how it is made small");
    assert!(began.elapsed() < Duration::from_secs(120), "{name} takes too long for every test run");
}

#[test]
fn the_codec_survives_its_corpus_and_mutations_of_it() {
    smoke("codec", 20_000);
}

#[test]
fn the_operations_survive_their_corpus_and_mutations_of_it() {
    smoke("operations", 4_000);
}

#[test]
fn the_engine_survives_its_corpus_and_mutations_of_it() {
    smoke("engine", 2_000);
}

#[test]
fn the_room_survives_its_corpus_and_mutations_of_it() {
    smoke("room", 2_000);
}

#[test]
fn the_disk_log_survives_its_corpus_and_mutations_of_it() {
    smoke("disk_log", 150);
}
