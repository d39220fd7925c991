//! One atomic step: all of a batch or nothing, where the writer believed the log to stand.

use std::sync::Arc;

use bytes::Bytes;
use cowrite_protocol::{ClientId, ClientSeq, Epoch, Generation, RunningHash, Version};
use cowrite_server::oplog::{AppendOutcome, Batch, Head, Member, OpenedLog, ReadOutcome, Refusal};
use tokio::task::JoinSet;

use super::script::read_all;
use super::{Bench, Script, client, document, member, user, version};

/// Nothing is there, and nothing comes into being by looking.
pub async fn a_document_never_written_is_empty_and_has_no_epoch(mut bench: Bench) {
    let log = bench.open();
    let id = document("new");
    let opened = log.open(&id, None).await.unwrap();
    assert_eq!(opened, OpenedLog { head: Head::default(), floor: Version::ZERO, client: None });
    assert_eq!(log.read(&id, Version::ZERO, 1 << 20).await.unwrap(), ReadOutcome::Entries(Vec::new()));
    assert_eq!(log.load_snapshot(&id).await.unwrap(), None);
    log.trim(&id, version(5)).await.unwrap();
    assert_eq!(log.open(&id, Some((client(1), user("ann")))).await.unwrap().head, Head::default());
}

/// The epoch is the one that the batch brought.
pub async fn the_first_append_creates_the_epoch(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.new_epoch = Epoch::from_random(u64::MAX);
    ann.commit(&*log, vec![member(1, 1), member(2, 1)]).await;
    assert_eq!(log.open(&ann.document, None).await.unwrap().head.epoch, Epoch::new(u64::MAX));
    ann.commit(&*log, vec![member(1, 2)]).await;
    ann.assert_log(&*log, Version::ZERO).await;
}

/// The loser is told the entries and goes on in the winner's life.
pub async fn two_first_appends_at_once_make_one_epoch(mut bench: Bench) {
    let log = bench.open();
    let scripts = [1_u8, 2].map(|number| {
        let mut script = Script::new("a");
        script.new_epoch = Epoch::from_random(u64::from(number));
        (script, number)
    });
    let mut racing = JoinSet::new();
    for (script, number) in scripts {
        let log = Arc::clone(&log);
        racing.spawn(async move { (script.append(&*log, vec![member(number, 1)]).await, script, number) });
    }
    let mut results = racing.join_all().await;
    results.sort_by_key(|(outcome, ..)| !matches!(outcome, AppendOutcome::Committed { .. }));
    let [(won, mut winner, first), (lost, _, second)] = results.try_into().unwrap();
    let AppendOutcome::Committed { head } = won else { panic!("nobody won: {won:?}") };
    assert_eq!(head.epoch, Epoch::new(u64::from(first)));
    winner.follow(winner.batch(vec![member(first, 1)]));
    assert_eq!(lost, AppendOutcome::Conflict { head, entries: winner.entries.clone() });
    winner.commit(&*log, vec![member(second, 1)]).await;
    winner.assert_log(&*log, Version::ZERO).await;
}

/// A writer at (none, 0) is in step with every life.
pub async fn a_first_append_that_knows_of_no_life_meets_the_log_from_its_beginning(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.commit(&*log, vec![member(1, 1)]).await;
    ann.commit(&*log, vec![member(1, 2)]).await;
    let newcomer = Script::new("a").append(&*log, vec![member(2, 1)]).await;
    assert_eq!(newcomer, AppendOutcome::Conflict { head: ann.head, entries: ann.entries.clone() });
}

/// The losers get the winner's entry, and nothing of them is in the log.
pub async fn five_simultaneous_appends_and_one_wins(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.commit(&*log, vec![member(9, 1)]).await;
    let mut racing = JoinSet::new();
    for number in 1..=5 {
        let (log, script) = (Arc::clone(&log), ann.clone());
        racing.spawn(async move { (number, script.append(&*log, vec![member(number, 1)]).await) });
    }
    let results = racing.join_all().await;
    let winners: Vec<_> =
        results.iter().filter(|(_, outcome)| matches!(outcome, AppendOutcome::Committed { .. })).collect();
    let [(winner, _)] = winners[..] else { panic!("{} won", winners.len()) };
    ann.follow(ann.batch(vec![member(*winner, 1)]));
    let missed = AppendOutcome::Conflict { head: ann.head, entries: ann.entries[1..].to_vec() };
    for (number, outcome) in &results {
        assert!(number == winner || *outcome == missed, "{number} got {outcome:?}");
    }
    ann.assert_log(&*log, Version::ZERO).await;
}

/// From the first one missed, whoever wrote them.
pub async fn a_late_append_is_given_the_entries_it_missed(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.commit(&*log, vec![member(1, 1), member(1, 2)]).await;
    let late = ann.clone();
    ann.commit(&*log, vec![member(2, 1), member(3, 1)]).await;
    ann.commit(&*log, vec![member(2, 2)]).await;
    let outcome = late.append(&*log, vec![member(1, 3)]).await;
    assert_eq!(outcome, AppendOutcome::Conflict { head: ann.head, entries: ann.entries[2..].to_vec() });
    ann.assert_log(&*log, Version::ZERO).await;
}

/// A megabyte comes with the conflict; what does not is read as any entry.
pub async fn a_conflict_brings_a_page_and_the_rest_is_read(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.commit(&*log, vec![member(1, 1)]).await;
    let late = ann.clone();
    for seq in 2..8 {
        let large = Bytes::from(vec![seq as u8; 300_000]);
        ann.commit(&*log, vec![Member { operation: large, ..member(1, seq) }]).await;
    }
    let AppendOutcome::Conflict { head, mut entries } = late.append(&*log, vec![member(2, 1)]).await else {
        panic!("no conflict")
    };
    assert_eq!(head, ann.head);
    let bytes: usize = entries.iter().map(|entry| entry.operation.len()).sum();
    assert!((1..=1 << 20).contains(&bytes), "{bytes} bytes came");
    entries.extend(read_all(&*log, &ann.document, entries.last().unwrap().version).await);
    assert_eq!(entries, ann.entries[1..]);
}

/// One bad member, and the good ones beside it are not written either.
pub async fn a_refused_batch_leaves_nothing(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.commit(&*log, vec![member(1, 1)]).await;
    let outcome = ann.append(&*log, vec![member(2, 1), member(1, 1), member(3, 1)]).await;
    let duplicate = Refusal::Duplicate { last: ClientSeq::new(1).unwrap(), version: version(1) };
    assert_eq!(outcome, AppendOutcome::Refused { members: vec![(1, duplicate)] });
    ann.assert_log(&*log, Version::ZERO).await;
    let opened = log.open(&ann.document, Some((client(2), user("bob")))).await.unwrap();
    assert_eq!(opened.client.unwrap().last, None, "a refused member left a record");
    ann.commit(&*log, vec![member(3, 1)]).await;
}

/// A batch of nothing asks whether the log knows this head, and changes nothing.
pub async fn an_append_of_nothing_tells_whose_history_it_is(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.commit(&*log, vec![member(1, 1), member(2, 1)]).await;
    assert_eq!(ann.append(&*log, Vec::new()).await, AppendOutcome::Committed { head: ann.head });
    let mut other = ann.clone();
    other.head.hash = RunningHash::from_bytes([9; 16]);
    let outcome = other.append(&*log, Vec::new()).await;
    assert_eq!(outcome, AppendOutcome::EpochChanged { head: ann.head });
    ann.assert_log(&*log, Version::ZERO).await;
    ann.commit(&*log, vec![member(1, 2)]).await;
}

/// A burst after a stall, in one step.
pub async fn ten_thousand_members_fit_one_batch(mut bench: Bench) {
    let log = bench.open();
    // Of a few authors, and of as many as there are members.
    for (document, authors) in [("a", 7), ("b", 10_000)] {
        let mut ann = Script::new(document);
        let members = |range: std::ops::RangeInclusive<u64>| {
            let named = |seq: u64| Member { client: author(seq % authors), ..member(1, seq) };
            range.map(named).collect()
        };
        ann.commit(&*log, members(1..=10_000)).await;
        ann.assert_log(&*log, Version::ZERO).await;
        let again = ann.append(&*log, members(9_991..=10_000)).await;
        let AppendOutcome::Refused { members } = again else { panic!("{again:?}") };
        assert_eq!(members.len(), 10);
    }
}

fn author(number: u64) -> ClientId {
    ClientId::from_bytes((u128::from(number) + 1).to_be_bytes())
}

/// An operation that does nothing is still an edit.
pub async fn an_empty_operation_is_an_entry(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.commit(&*log, vec![Member { operation: Bytes::new(), ..member(1, 1) }]).await;
    ann.assert_log(&*log, Version::ZERO).await;
}

/// No number is rounded on its way.
pub async fn numbers_near_two_to_the_53_come_back_as_they_were(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.time_ms = (1 << 53) - 1;
    ann.new_epoch = Epoch::from_random(u64::MAX - 1);
    let generation = Generation::new(u64::MAX - 3);
    let near = |seq| Member { generation, ..member(1, seq) };
    ann.commit(&*log, vec![near((1 << 53) - 3)]).await;
    ann.commit(&*log, vec![near((1 << 53) - 2)]).await;
    ann.assert_log(&*log, Version::ZERO).await;
    let last = ClientSeq::new((1 << 53) - 2).unwrap();
    let outcome = ann.append(&*log, vec![near((1 << 53) - 2)]).await;
    let duplicate = Refusal::Duplicate { last, version: version(2) };
    assert_eq!(outcome, AppendOutcome::Refused { members: vec![(0, duplicate)] });
    ann.commit(&*log, vec![near((1 << 53) - 1)]).await;
    let state = log.open(&ann.document, Some((client(1), user("ann")))).await.unwrap().client.unwrap();
    assert_eq!(state.generation, generation.next());
    assert_eq!(state.last, Some((ClientSeq::MAX, version(3))));
}

/// One name is not the beginning of another, and a client is another on each.
pub async fn documents_do_not_touch_each_other(mut bench: Bench) {
    let log = bench.open();
    let names = ["a", "aa", "a:a", "A", "a~", "b"];
    let mut scripts = names.map(Script::new);
    for round in 1..=3 {
        for (index, script) in scripts.iter_mut().enumerate() {
            script.new_epoch = Epoch::from_random(index as u64 + 1);
            let operation = Bytes::from(format!("{index}/{round}"));
            script.commit(&*log, vec![Member { operation, ..member(1, round) }]).await;
        }
    }
    log.open(&scripts[0].document, Some((client(1), user("ann")))).await.unwrap();
    for script in &mut scripts[1..] {
        script.commit(&*log, vec![member(1, 4)]).await;
        script.assert_log(&*log, Version::ZERO).await;
    }
    let fenced: Batch = scripts[0].batch(vec![member(1, 4)]);
    log.open(&scripts[0].document, Some((client(1), user("ann")))).await.unwrap();
    let outcome = log.append(&scripts[0].document, fenced).await;
    assert_eq!(outcome, AppendOutcome::Refused { members: vec![(0, Refusal::Fenced)] });
}
