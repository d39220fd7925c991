//! Crashes: what was not synced is lost, kept or torn, and what was acknowledged is there.

use std::sync::Arc;

use crate::faulty_file::{FaultyFile, Step, apply};
use crate::workload::{Random, Workload, open};

async fn recorded(rounds: usize, seed: u64) -> (Workload, Vec<Step>) {
    let (file, mut workload, mut random) = (FaultyFile::default(), Workload::new(), Random::new(seed));
    let log = Arc::new(open(file.clone()).unwrap());
    workload.run(&log, &file, rounds, &mut random).await;
    let journal = file.journal();
    drop(log);
    (workload, journal)
}

/// The last mark before a place of the journal.
fn mark_at(journal: &[Step], end: usize) -> usize {
    let marks = journal[..end].iter().rev();
    marks.filter_map(|step| if let Step::Mark(mark) = step { Some(*mark) } else { None }).next().unwrap_or(0)
}

/// The image that a crash before `end` leaves: each step since the last sync kept, lost or
/// torn by chance.
fn crash_image(journal: &[Step], end: usize, random: &mut Random) -> Vec<u8> {
    let synced = journal[..end].iter().rposition(|step| matches!(step, Step::Sync)).unwrap_or(0);
    let mut image = Vec::new();
    journal[..synced].iter().for_each(|step| apply(&mut image, step));
    // Some crashes lose nearly all, some nearly nothing.
    let kept = random.below(5);
    for step in &journal[synced..end] {
        if random.below(4) < kept {
            apply(&mut image, step);
        } else if let Step::Write { offset, data } = step
            && random.below(3) == 0
            && !data.is_empty()
        {
            let at = random.below(data.len());
            let torn = if random.below(2) == 0 { (*offset, &data[..at]) } else { (offset + at as u64, &data[at..]) };
            apply(&mut image, &Step::Write { offset: torn.0, data: torn.1.to_vec() });
        }
    }
    image
}

#[tokio::test]
async fn b11_whatever_a_crash_leaves_of_the_unsynced_the_acknowledged_is_there() {
    let mut random = Random::new(1);
    for seed in 0..6 {
        let (workload, journal) = recorded(12, seed).await;
        for case in 0..60 {
            let end = 1 + random.below(journal.len());
            let image = crash_image(&journal, end, &mut random);
            workload.check(image, mark_at(&journal, end), &format!("seed {seed}, case {case}, step {end}")).await;
        }
    }
}

#[tokio::test]
async fn b11_a_log_cut_at_any_byte_of_its_last_three_commits_opens_with_the_acknowledged() {
    let (workload, journal) = recorded(20, 99).await;
    let last = mark_at(&journal, journal.len());
    let from = journal.iter().position(|step| matches!(step, Step::Mark(mark) if *mark == last - 3)).unwrap();
    let mut image = Vec::new();
    journal[..from].iter().for_each(|step| apply(&mut image, step));
    let (mut cuts, mut looks) = (0, 0);
    for end in from..journal.len() {
        if let Step::Write { offset, data } = &journal[end] {
            let write_end = offset + data.len() as u64;
            let mut at = 0;
            while at < data.len() {
                let mut torn = image.clone();
                apply(&mut torn, &Step::Write { offset: *offset, data: data[..at].to_vec() });
                let file = FaultyFile::of(torn);
                workload.check_file(file.clone(), mark_at(&journal, end), &format!("step {end} cut at {at}")).await;
                looks += 1;
                // A later cut differs from this one only in the bytes between the two. As long
                // as nobody read any of them, the log would do and say the very same again.
                let cut = offset + at as u64;
                let next = file.first_read_in(cut..write_end).map_or(data.len(), |read| (read - offset) as usize + 1);
                cuts += next - at;
                at = next;
            }
        }
        apply(&mut image, &journal[end]);
    }
    println!("{cuts} cuts, {looks} of them looked at: the others leave what was never read");
    assert!(cuts > 10_000 && looks > 1000, "only {cuts} cuts, {looks} looked at");
}

#[tokio::test]
async fn b11_a_file_that_a_crash_left_half_made_is_made_anew() {
    let file = FaultyFile::default();
    drop(open(file.clone()).unwrap());
    let journal = file.journal();
    let mut random = Random::new(3);
    for end in 0..=journal.len() {
        for _ in 0..4 {
            let image = crash_image(&journal, end.max(1), &mut random);
            Workload::new().check(image, 0, &format!("step {end}")).await;
        }
    }
}
