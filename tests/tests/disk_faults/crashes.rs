//! Crashes: what was not synced is lost, kept or torn, and what was acknowledged is there.

use std::sync::Arc;

use crate::faulty_file::{FaultyFiles, Image, Step, apply};
use crate::workload::{Random, Workload, open};

async fn recorded(rounds: usize, seed: u64) -> (Workload, Vec<Step>) {
    let (files, mut workload, mut random) = (FaultyFiles::default(), Workload::new(), Random::new(seed));
    let log = Arc::new(open(&files).unwrap());
    workload.run(&log, &files, rounds, &mut random).await;
    let steps = files.steps();
    drop(log);
    (workload, steps)
}

/// The last mark before a step.
fn mark_at(steps: &[Step], end: usize) -> usize {
    let marks = steps[..end].iter().rev();
    marks.filter_map(|step| if let Step::Mark(mark) = step { Some(*mark) } else { None }).next().unwrap_or(0)
}

/// The image that a crash before `end` leaves: each step since the last sync of its file
/// kept, lost or torn by chance.
fn crash_image(steps: &[Step], end: usize, random: &mut Random) -> Image {
    let last_sync =
        |which| steps[..end].iter().rposition(|step| matches!(step, Step::Sync(synced) if *synced == which));
    let synced = [0, 1].map(|which| last_sync(which).unwrap_or(0));
    let mut image = Image::default();
    // Some crashes lose nearly all, some nearly nothing.
    let kept = random.below(5);
    for (at, step) in steps[..end].iter().enumerate() {
        let (Step::Write { which, .. } | Step::SetLen(which, _)) = step else { continue };
        if at < synced[*which] || random.below(4) < kept {
            apply(&mut image, step);
        } else if let Step::Write { which, offset, data } = step
            && random.below(3) == 0
            && !data.is_empty()
        {
            let at = random.below(data.len());
            let torn = if random.below(2) == 0 { (*offset, &data[..at]) } else { (offset + at as u64, &data[at..]) };
            apply(&mut image, &Step::Write { which: *which, offset: torn.0, data: torn.1.to_vec() });
        }
    }
    image
}

#[tokio::test]
async fn b11_whatever_a_crash_leaves_of_the_unsynced_the_acknowledged_is_there() {
    let mut random = Random::new(1);
    for seed in 0..6 {
        let (workload, steps) = recorded(12, seed).await;
        for case in 0..60 {
            let end = 1 + random.below(steps.len());
            let image = crash_image(&steps, end, &mut random);
            workload.check(image, mark_at(&steps, end), &format!("seed {seed}, case {case}, step {end}")).await;
        }
    }
}

#[tokio::test]
async fn b11_a_log_cut_at_any_byte_of_its_last_three_commits_opens_with_the_acknowledged() {
    let (workload, steps) = recorded(20, 99).await;
    let last = mark_at(&steps, steps.len());
    let from = steps.iter().position(|step| matches!(step, Step::Mark(mark) if *mark == last - 3)).unwrap();
    let mut image = Image::default();
    steps[..from].iter().for_each(|step| apply(&mut image, step));
    let (mut cuts, mut looks) = (0, 0);
    for end in from..steps.len() {
        if let Step::Write { which, offset, data } = &steps[end] {
            let write_end = offset + data.len() as u64;
            let mut at = 0;
            while at < data.len() {
                let mut torn = image.clone();
                apply(&mut torn, &Step::Write { which: *which, offset: *offset, data: data[..at].to_vec() });
                let files = FaultyFiles::of(torn);
                workload.check_files(files.clone(), mark_at(&steps, end), &format!("step {end} cut at {at}")).await;
                looks += 1;
                // A later cut differs from this one only in the bytes between the two. As long
                // as nobody read any of them, the log would do and say the very same again.
                let cut = offset + at as u64;
                let next =
                    files.first_read_in(*which, cut..write_end).map_or(data.len(), |read| (read - offset) as usize + 1);
                cuts += next - at;
                at = next;
            }
        }
        apply(&mut image, &steps[end]);
    }
    println!("{cuts} cuts, {looks} of them looked at: the others leave what was never read");
    assert!(cuts > 10_000 && looks > 1000, "only {cuts} cuts, {looks} looked at");
}

#[tokio::test]
async fn b11_a_file_that_a_crash_left_half_made_is_made_anew() {
    let files = FaultyFiles::default();
    drop(open(&files).unwrap());
    let steps = files.steps();
    let mut random = Random::new(3);
    for end in 0..=steps.len() {
        for _ in 0..4 {
            let image = crash_image(&steps, end.max(1), &mut random);
            Workload::new().check(image, 0, &format!("step {end}")).await;
        }
    }
}
