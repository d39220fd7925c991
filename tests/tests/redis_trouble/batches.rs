//! More at once than one script should take.

use cowrite_protocol::frame::Role;
use cowrite_protocol::operation::{Document, Operation};
use cowrite_protocol::{
    ClientId, ClientSeq, DocumentId, DocumentType, Epoch, Generation, Limits, Millis, RichText, Version,
};
use cowrite_server::auth::Permit;
use cowrite_server::oplog::redis::RedisLog;
use cowrite_server::oplog::{AppendOutcome, Head, OpLog};
use cowrite_server::redis::RedisSettings;
use cowrite_server::sequencer::{Ruling, Sequencer, Submission, SubmissionId, SubmittedCaret};
use cowrite_tests::oplog_suite::{Script, member};
use cowrite_tests::redis::RedisProcess;

/// What one script writes, and one message carries, at most.
const MOST: (usize, usize) = (1_000, 4 << 20);

fn submission(number: u64, text: &str) -> Submission<RichText> {
    let mut client = [0; 16];
    client[..8].copy_from_slice(&(number + 1).to_le_bytes());
    Submission {
        id: SubmissionId(number),
        client: ClientId::from_bytes(client),
        seq: ClientSeq::NONE.next(),
        generation: Generation::new(1),
        user: "ann".parse().unwrap(),
        permit: Permit::new(Role::Editor, Millis(u64::MAX)),
        base: Version::ZERO,
        operation: Operation::builder().insert(text).build(),
        caret: SubmittedCaret::Still,
        trail: Default::default(),
    }
}

/// Commits all that waits; gives each submission's ruling, and the members and bytes of each
/// batch.
async fn commit_all(
    log: &RedisLog,
    document: &DocumentId,
    sequencer: &mut Sequencer<RichText>,
) -> (Vec<(u64, Ruling)>, Vec<(usize, usize)>) {
    let (mut ruled, mut sizes) = (Vec::new(), Vec::new());
    while !sequencer.is_idle() {
        let mut rulings = Vec::new();
        if let Some(batch) = sequencer.next_batch(Epoch::from_random(7), &mut rulings) {
            let bytes = batch.members.iter().map(|member| member.operation.len()).sum();
            sizes.push((batch.members.len(), bytes));
            let outcome = log.append(document, batch).await;
            assert!(matches!(outcome, AppendOutcome::Committed { .. } | AppendOutcome::Refused { .. }), "{outcome:?}");
            let settled = sequencer.append_finished(outcome);
            assert_eq!(settled.obstacle, None);
            rulings.extend(settled.rulings);
        }
        ruled.extend(rulings.into_iter().map(|(submission, ruling)| (submission.id.0, ruling)));
    }
    (ruled, sizes)
}

fn log(redis: &RedisProcess) -> RedisLog {
    RedisLog::new(RedisSettings::new(redis.url().parse().unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c21_thousands_of_edits_at_once_are_split_and_a_bad_one_sinks_nobody() {
    let redis = RedisProcess::start(&[]);
    let (log, document) = (log(&redis), "huge".parse().unwrap());
    let mut sequencer = Sequencer::<RichText>::new(Limits::default(), Head::default(), Document::default());
    // Two of them come from stays that are over.
    let bad = [500, 2_999];
    for number in bad {
        let one = submission(number, "");
        for _ in 0..2 {
            log.open(&document, Some((one.client, one.user.clone()))).await.unwrap();
        }
    }
    for number in 0..3_000 {
        sequencer.submit(submission(number, &format!("[{number}]"))).unwrap();
    }
    let (ruled, sizes) = commit_all(&log, &document, &mut sequencer).await;
    assert!(sizes.len() <= 6 && sizes.iter().all(|size| size.0 <= MOST.0 && size.1 <= MOST.1), "{sizes:?}");
    let accepted = ruled.iter().filter(|(_, ruling)| matches!(ruling, Ruling::Accepted(_)));
    assert_eq!((ruled.len(), accepted.count()), (3_000, 2_998));
    for number in bad {
        assert!(ruled.iter().any(|(id, ruling)| *id == number && matches!(ruling, Ruling::Ended(_))));
    }
    let opened = log.open(&document, None).await.unwrap();
    assert_eq!((opened.head, opened.head.version.get()), (sequencer.head(), 2_998));
    let text = sequencer.document().text().to_string();
    assert!((0..3_000).all(|number| text.contains(&format!("[{number}]")) != bad.contains(&number)));
}

/// No room asks for so much at once, but no limit of Lua stands in the way either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c21_ten_thousand_entries_are_one_script_and_no_limit_of_it_is_met() {
    let redis = RedisProcess::start(&[]);
    let log = log(&redis);
    let mut script = Script::new("whole");
    let members = (1..=10_000).map(|seq| member(1, seq)).collect();
    script.commit(&log, members).await;
    script.assert_log(&log, Version::ZERO).await;
    // Somebody who knows nothing of them is given them page by page.
    let late = Script::new("whole").append(&log, vec![member(2, 1)]).await;
    assert!(matches!(late, AppendOutcome::Conflict { head, .. } if head == script.head), "{late:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c21_large_edits_at_once_are_split_by_their_bytes() {
    let redis = RedisProcess::start(&[]);
    let (log, document) = (log(&redis), "heavy".parse().unwrap());
    let mut sequencer = Sequencer::<RichText>::new(Limits::default(), Head::default(), Document::default());
    // The third is too large for any company.
    let lengths = [3 << 20, 2 << 20, 5 << 20, 1 << 20, 1 << 20, 1 << 20];
    for (number, length) in (0..).zip(lengths) {
        sequencer.submit(submission(number, &"x".repeat(length))).unwrap();
    }
    let (ruled, sizes) = commit_all(&log, &document, &mut sequencer).await;
    assert_eq!(sizes.iter().map(|size| size.0).collect::<Vec<_>>(), [1, 1, 1, 3], "{sizes:?}");
    let order: Vec<_> = ruled.iter().map(|(id, _)| *id).collect();
    assert_eq!(order, [0, 1, 2, 3, 4, 5]);
    assert_eq!(RichText::length(sequencer.document()).0 as usize, lengths.iter().sum::<usize>());
}
