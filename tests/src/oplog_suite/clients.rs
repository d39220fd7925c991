//! Client records: exactly once, one live copy, one user.

use cowrite_protocol::{ClientId, ClientSeq, Generation, Version};
use cowrite_server::oplog::{AppendOutcome, Member, OpenError, Refusal};

use super::{Bench, Script, client, member, user, version};

const WEEK_MS: u64 = 7 * 24 * 60 * 60 * 1000;

fn refused(refusal: Refusal) -> AppendOutcome {
    AppendOutcome::Refused { members: vec![(0, refusal)] }
}

/// Also when it comes again on the newest head, and when it is not the newest one.
pub async fn a_duplicate_is_answered_with_the_original_version(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.commit(&*log, vec![member(2, 1), member(1, 1), member(1, 2)]).await;
    ann.commit(&*log, vec![member(2, 2)]).await;
    let duplicate = Refusal::Duplicate { last: ClientSeq::new(2).unwrap(), version: version(3) };
    assert_eq!(ann.append(&*log, vec![member(1, 2)]).await, refused(duplicate));
    assert_eq!(ann.append(&*log, vec![member(1, 1)]).await, refused(duplicate));
    ann.assert_log(&*log, Version::ZERO).await;
}

/// "Not accepted", once said, is final.
pub async fn an_open_raises_the_generation_and_fences_older_copies(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    let open = || log.open(&ann.document, Some((client(1), user("ann"))));
    let first = open().await.unwrap().client.unwrap().generation;
    let second = open().await.unwrap().client.unwrap().generation;
    assert!(second > first && first > Generation::NONE, "{first:?} then {second:?}");
    let by = |generation| Member { generation, ..member(1, 1) };
    assert_eq!(ann.append(&*log, vec![by(first)]).await, refused(Refusal::Fenced));
    ann.commit(&*log, vec![by(second)]).await;
    let outcome = ann.append(&*log, vec![member(2, 1), by(first)]).await;
    assert_eq!(outcome, AppendOutcome::Refused { members: vec![(1, Refusal::Fenced)] });
    ann.assert_log(&*log, Version::ZERO).await;
}

/// In the same step as head, floor and generation.
pub async fn an_open_tells_the_last_client_seq(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.commit(&*log, vec![member(2, 8), member(1, 5), member(2, 9)]).await;
    let opened = log.open(&ann.document, Some((client(1), user("ann")))).await.unwrap();
    assert_eq!((opened.head, opened.floor), (ann.head, Version::ZERO));
    assert_eq!(opened.client.unwrap().last, Some((ClientSeq::new(5).unwrap(), version(2))));
    let newcomer = log.open(&ann.document, Some((client(3), user("ann")))).await.unwrap();
    assert_eq!(newcomer.client.unwrap().last, None);
}

/// Looking is not opening for a client.
pub async fn an_open_without_a_client_fences_nobody(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.commit(&*log, vec![member(1, 1)]).await;
    assert_eq!(log.open(&ann.document, None).await.unwrap().client, None);
    ann.commit(&*log, vec![member(1, 2)]).await;
}

/// By opening or by committing; a stranger neither opens nor commits nor fences.
pub async fn a_client_id_belongs_to_the_user_who_came_first(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    let generation = log.open(&ann.document, Some((client(1), user("ann")))).await.unwrap().client.unwrap().generation;
    ann.commit(&*log, vec![member(2, 1)]).await;
    for number in [1, 2] {
        let stranger = log.open(&ann.document, Some((client(number), user("eve")))).await;
        assert!(matches!(stranger, Err(OpenError::OtherUser)), "{stranger:?}");
        let forged = Member { user: user("eve"), generation: Generation::new(9), ..member(number, 7) };
        assert_eq!(ann.append(&*log, vec![forged]).await, refused(Refusal::OtherUser));
    }
    ann.commit(&*log, vec![Member { generation, ..member(1, 1) }, member(2, 2)]).await;
    let two = [Member { user: user("bob"), ..member(3, 1) }, Member { user: user("eve"), ..member(3, 2) }];
    let outcome = ann.append(&*log, two.into()).await;
    assert_eq!(outcome, AppendOutcome::Refused { members: vec![(1, Refusal::OtherUser)] });
}

/// How far is the sequencer's business.
pub async fn a_client_seq_may_jump(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.commit(&*log, vec![member(1, 3), member(1, 1 << 40)]).await;
    let duplicate = Refusal::Duplicate { last: ClientSeq::new(1 << 40).unwrap(), version: version(2) };
    assert_eq!(ann.append(&*log, vec![member(1, 4)]).await, refused(duplicate));
    ann.assert_log(&*log, Version::ZERO).await;
}

/// Its record is made, with the generation that it came with.
pub async fn a_client_unknown_to_the_log_may_append(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.commit(&*log, vec![Member { generation: Generation::new(7), ..member(1, 1) }]).await;
    let older = Member { generation: Generation::new(6), ..member(1, 2) };
    assert_eq!(ann.append(&*log, vec![older]).await, refused(Refusal::Fenced));
    let state = log.open(&ann.document, Some((client(1), user("ann")))).await.unwrap().client.unwrap();
    assert_eq!(state.generation, Generation::new(8));
}

/// Whoever offers them: the log's own rule is enough. The second is another user's.
pub async fn of_two_restorations_the_first_wins(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.commit(&*log, vec![member(1, 1)]).await;
    let restorer = ClientId::restoration(ann.head.epoch);
    let restoration = Member { client: restorer, generation: Generation::NONE, ..member(0, 1) };
    ann.commit(&*log, vec![restoration.clone()]).await;
    let duplicate = Refusal::Duplicate { last: ClientSeq::new(1).unwrap(), version: version(2) };
    assert_eq!(ann.append(&*log, vec![restoration.clone()]).await, refused(duplicate));
    let other = Member { user: user("bob"), ..restoration };
    assert_eq!(ann.append(&*log, vec![other]).await, refused(Refusal::OtherUser));
}

/// Then its id is unknown again, and another user may take it.
pub async fn a_client_is_forgotten_a_week_after_its_last_entry_is_trimmed(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.commit(&*log, vec![member(1, 1), member(2, 1)]).await;
    super::snapshots::store(&*log, &ann, version(2)).await;
    log.trim(&ann.document, version(2)).await.unwrap();
    bench.pass_ms(WEEK_MS);
    let kept = log.open(&ann.document, Some((client(1), user("ann")))).await.unwrap().client.unwrap();
    assert_eq!(kept.last, Some((ClientSeq::new(1).unwrap(), version(1))), "forgotten too early");
    bench.pass_ms(2);
    let forgotten = log.open(&ann.document, Some((client(2), user("bob")))).await.unwrap().client.unwrap();
    assert_eq!(forgotten.last, None);
    let seen = log.open(&ann.document, Some((client(1), user("ann")))).await.unwrap().client.unwrap();
    assert_eq!(seen.last, Some((ClientSeq::new(1).unwrap(), version(1))), "it was seen two milliseconds ago");
}

/// However long ago: its duplicate must be known as long as the entry can be read.
pub async fn a_client_with_entries_is_never_forgotten(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.commit(&*log, vec![member(1, 1)]).await;
    bench.pass_ms(100 * WEEK_MS);
    ann.commit(&*log, vec![member(2, 1)]).await;
    log.open(&ann.document, Some((client(2), user("ann")))).await.unwrap();
    let duplicate = Refusal::Duplicate { last: ClientSeq::new(1).unwrap(), version: version(1) };
    assert_eq!(ann.append(&*log, vec![member(1, 1)]).await, refused(duplicate));
    let stranger = log.open(&ann.document, Some((client(1), user("eve")))).await;
    assert!(matches!(stranger, Err(OpenError::OtherUser)), "{stranger:?}");
}
