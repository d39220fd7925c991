use cowrite_protocol::frame::Role;
use cowrite_protocol::operation::{Document, Operation};
use cowrite_protocol::{ClientSeq, Cursor, Generation, Millis, RichText, RunningHash, Utf16Length, Utf16Offset};

use super::*;
use crate::auth::Permit;

/// Somebody's insertion at the beginning.
fn entry(version: u64, text: &str) -> Entry {
    Entry {
        version: Version::new(version).unwrap(),
        client: ClientId::from_bytes([7; 16]),
        client_seq: ClientSeq::new(version).unwrap(),
        user: "ann".parse().unwrap(),
        time_ms: 0,
        operation: packed(&insert(0, text)),
    }
}

fn packed(operation: &Operation) -> Bytes {
    let mut bytes = Vec::new();
    RichText::encode(operation, &mut bytes);
    Bytes::from(bytes)
}

fn insert(at: u32, text: &str) -> Operation {
    Operation::builder().retain(Utf16Length(at)).insert(text).build()
}

fn delete(at: u32, units: u32) -> Operation {
    Operation::builder().retain(Utf16Length(at)).delete(Utf16Length(units)).build()
}

fn head(entries: &[Entry], epoch: Epoch) -> Head {
    let hash = entries.iter().fold(RunningHash::ZERO, |hash, entry| {
        hash.advance(entry.version, &entry.client, entry.client_seq, &entry.operation)
    });
    Head { epoch: Some(epoch), version: entries[entries.len() - 1].version, hash }
}

fn epoch() -> Epoch {
    Epoch::from_random(5)
}

fn empty() -> Sequencer<RichText> {
    Sequencer::new(Limits::default(), Head::default(), Document::default())
}

/// A sequencer that has taken in these insertions at the beginning, each an entry.
fn with(texts: &[&str]) -> Sequencer<RichText> {
    let mut sequencer = empty();
    let entries = (1..).zip(texts).map(|(version, text)| entry(version, text)).collect();
    sequencer.take_entries(Some(epoch()), entries, None, &mut Vec::new()).unwrap();
    sequencer
}

/// What client `number` asks for; its id is its number, too.
fn submission(number: u8, base: u64, operation: Operation) -> Submission<RichText> {
    Submission {
        id: SubmissionId(u64::from(number)),
        client: ClientId::from_bytes([number; 16]),
        seq: ClientSeq::new(4).unwrap(),
        generation: Generation::new(1),
        user: "bob".parse().unwrap(),
        permit: Permit::new(Role::Editor, Millis(u64::MAX)),
        base: Version::new(base).unwrap(),
        operation,
        caret: SubmittedCaret::Still,
        trail: Default::default(),
    }
}

fn next(sequencer: &mut Sequencer<RichText>) -> Batch {
    let mut rulings = Vec::new();
    let batch = sequencer.next_batch(epoch(), &mut rulings).unwrap();
    assert!(rulings.is_empty(), "{rulings:?}");
    batch
}

/// The log takes the batch.
fn commit(sequencer: &mut Sequencer<RichText>, batch: &Batch) -> Settled<RichText> {
    let version = batch.expected.version.plus(batch.members.len() as u64);
    let head = Head { epoch: batch.expected.epoch.or(Some(batch.new_epoch)), version, hash: batch.hash_after };
    sequencer.append_finished(AppendOutcome::Committed { head })
}

fn ids(rulings: &[(Submission<RichText>, Ruling)]) -> Vec<(u64, Ruling)> {
    rulings.iter().map(|(submission, ruling)| (submission.id.0, *ruling)).collect()
}

fn text(sequencer: &Sequencer<RichText>) -> String {
    sequencer.document().text().to_string()
}

fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

#[test]
fn entries_of_another_history_are_not_taken() {
    let epoch = epoch();
    let ours = vec![entry(1, "a"), entry(2, "b")];
    let theirs = [entry(1, "a"), entry(2, "c"), entry(3, "d"), entry(4, "e")];
    let mut sequencer = empty();
    sequencer.take_entries(Some(epoch), ours.clone(), Some(head(&ours, epoch)), &mut Vec::new()).unwrap();
    let before = sequencer.head();
    // From our version on they fit the text just as well.
    let named = Some(head(&theirs, epoch));
    let taken = sequencer.take_entries(Some(epoch), theirs[2..].to_vec(), named, &mut Vec::new());
    assert_eq!(taken, Err(Obstacle::OtherHistory));
    let taken = sequencer.take_entries(Some(epoch), Vec::new(), Some(head(&theirs[..2], epoch)), &mut Vec::new());
    assert_eq!(taken, Err(Obstacle::OtherHistory), "at a version that we have");
    assert_eq!((sequencer.head(), text(&sequencer).as_str()), (before, "ba"));
    let further = [ours, vec![entry(3, "d"), entry(4, "e")]].concat();
    let named = Some(head(&further, epoch));
    let taken = sequencer.take_entries(Some(epoch), further[2..3].to_vec(), named, &mut Vec::new());
    assert_eq!((taken, sequencer.head()), (Err(Obstacle::Gap), before), "whose entry that is shows only at the end");
    sequencer.take_entries(Some(epoch), further[2..].to_vec(), named, &mut Vec::new()).unwrap();
    assert_eq!(Some(sequencer.head()), named);
}

#[test]
fn entries_beyond_the_named_head_and_those_that_are_known_do_not_count_against_it() {
    let all: Vec<_> = [(1, "a"), (2, "b"), (3, "c")].map(|(version, text)| entry(version, text)).into();
    let mut sequencer = with(&["a"]);
    // The log has grown since it was asked for its head, and is read from the start again.
    let named = Some(head(&all[..2], epoch()));
    sequencer.take_entries(Some(epoch()), all.clone(), named, &mut Vec::new()).unwrap();
    assert_eq!((sequencer.head(), text(&sequencer).as_str()), (head(&all, epoch()), "cba"));
    let known = sequencer.take_entries(Some(epoch()), all.clone(), None, &mut Vec::new());
    assert_eq!((known, text(&sequencer).as_str()), (Ok(()), "cba"));
    // So it is where they end at that head, or go on from another history's.
    let named = Some(head(&all[..2], epoch()));
    assert_eq!(with(&["a"]).take_entries(Some(epoch()), all[..2].to_vec(), named, &mut Vec::new()), Ok(()));
    let theirs = [entry(1, "a"), entry(2, "x")];
    let named = Some(head(&theirs, epoch()));
    let taken = with(&["a"]).take_entries(Some(epoch()), all[1..].to_vec(), named, &mut Vec::new());
    assert_eq!(taken, Err(Obstacle::OtherHistory));
    // A head below the tail says nothing.
    let mut sequencer = Sequencer::<RichText>::new(Limits::default(), head(&all, epoch()), Document::default());
    let below = Some(Head { hash: RunningHash::from_bytes([9; 16]), ..head(&all[..1], epoch()) });
    assert_eq!(sequencer.take_entries(Some(epoch()), Vec::new(), below, &mut Vec::new()), Ok(()));
}

#[test]
fn a_gap_another_life_and_an_entry_that_does_not_fit_are_told_apart() {
    let mut sequencer = with(&["a"]);
    let mut take = |epoch, entry| sequencer.take_entries(Some(epoch), vec![entry], None, &mut Vec::new());
    assert_eq!(take(epoch(), entry(3, "c")), Err(Obstacle::Gap));
    assert_eq!(take(Epoch::from_random(6), entry(2, "b")), Err(Obstacle::OtherHistory));
    let far = Entry { operation: packed(&delete(5, 1)), ..entry(2, "") };
    assert_eq!(take(epoch(), far), Err(Obstacle::Poison(version(2))));
    let unreadable = Entry { operation: Bytes::from_static(&[0xff]), ..entry(2, "") };
    assert_eq!(take(epoch(), unreadable), Err(Obstacle::Poison(version(2))));
    assert_eq!((sequencer.head().version, text(&sequencer).as_str()), (version(1), "a"));
    // The first life of a document is whatever it is; a life that was renamed is the same history.
    let renamed = Epoch::from_random(6);
    sequencer.set_epoch(renamed);
    assert_eq!(sequencer.take_entries(Some(renamed), vec![entry(2, "b")], None, &mut Vec::new()), Ok(()));
    assert_eq!(sequencer.head().epoch, Some(renamed));
}

#[test]
fn only_the_submission_of_the_same_client_and_number_is_accepted_by_an_entry() {
    let mut sequencer = with(&["a"]);
    let other_number = Submission { client: ClientId::from_bytes([7; 16]), ..submission(1, 1, insert(0, "x")) };
    let other_client = Submission { seq: ClientSeq::new(2).unwrap(), ..submission(2, 1, insert(0, "y")) };
    let same = Submission { client: ClientId::from_bytes([7; 16]), ..other_client.clone() };
    for submission in [other_number, other_client, Submission { id: SubmissionId(3), ..same }] {
        sequencer.submit(submission).unwrap();
    }
    let mut rulings = Vec::new();
    sequencer.take_entries(Some(epoch()), vec![entry(2, "b")], None, &mut rulings).unwrap();
    assert_eq!(ids(&rulings), [(3, Ruling::Accepted(version(2)))]);
    assert_eq!([1, 2, 3].map(|id| sequencer.holds(SubmissionId(id))), [true, true, false]);
}

#[test]
fn a_restoration_that_another_server_has_committed_is_not_taken_for_ones_own() {
    let mut sequencer = with(&["a"]);
    let (client, seq) = (ClientId::restoration(Some(epoch())), ClientSeq::NONE.next());
    sequencer.submit(Submission { client, seq, ..submission(1, 1, insert(0, "mine")) }).unwrap();
    let mut rulings = Vec::new();
    let theirs = Entry { client, client_seq: seq, ..entry(2, "theirs") };
    sequencer.take_entries(Some(epoch()), vec![theirs], None, &mut rulings).unwrap();
    assert_eq!(ids(&rulings), [(1, Ruling::Duplicate(version(2)))]);
}

#[test]
fn a_restoration_that_another_user_had_made_long_before_is_a_second_one() {
    let mut sequencer = with(&["a", "b"]);
    let (client, seq) = (ClientId::restoration(Some(epoch())), ClientSeq::NONE.next());
    sequencer.submit(Submission { client, seq, ..submission(1, 1, insert(0, "mine")) }).unwrap();
    next(&mut sequencer);
    let settled = sequencer.append_finished(AppendOutcome::Refused { members: vec![(0, Refusal::OtherUser)] });
    assert_eq!(ids(&settled.rulings), [(1, Ruling::Duplicate(version(2)))]);
}

#[test]
fn what_waits_and_what_is_being_appended_is_held_until_it_is_ruled_on() {
    let mut sequencer = with(&["a"]);
    assert!(sequencer.is_idle() && sequencer.next_batch(epoch(), &mut Vec::new()).is_none());
    sequencer.submit(submission(1, 1, insert(0, "x"))).unwrap();
    assert!(sequencer.holds(SubmissionId(1)) && !sequencer.holds(SubmissionId(2)));
    assert_eq!((sequencer.is_idle(), sequencer.is_appending()), (false, false));
    let batch = next(&mut sequencer);
    assert!(sequencer.holds(SubmissionId(1)) && !sequencer.holds(SubmissionId(2)));
    assert_eq!((sequencer.is_idle(), sequencer.is_appending()), (false, true));
    // One append at a time; and nothing of it counts before it is committed.
    sequencer.submit(submission(2, 1, insert(0, "y"))).unwrap();
    assert!(sequencer.next_batch(epoch(), &mut Vec::new()).is_none());
    assert_eq!((sequencer.head().version, text(&sequencer).as_str()), (version(1), "a"));
    let retried = sequencer.retry_batch().unwrap();
    assert_eq!((retried.members, retried.hash_after), (batch.members.clone(), batch.hash_after));
    let settled = commit(&mut sequencer, &batch);
    assert_eq!(ids(&settled.rulings), [(1, Ruling::Accepted(version(2)))]);
    assert_eq!((settled.read_up_to, settled.obstacle, settled.retry), (None, None, false));
    assert!(!sequencer.holds(SubmissionId(1)) && sequencer.retry_batch().is_none());
    assert_eq!((sequencer.is_idle(), sequencer.is_appending()), (false, false));
    // The hash that the log was told is the one that its readers reach.
    assert_eq!(sequencer.head(), Head { epoch: Some(epoch()), version: version(2), hash: batch.hash_after });
    // An answer that nobody waits for changes nothing.
    assert!(sequencer.append_finished(AppendOutcome::OutcomeUnknown).rulings.is_empty());
    assert!(!sequencer.is_appending());
}

#[test]
fn a_batch_is_carried_over_the_log_and_over_its_own_members_with_the_carets() {
    let mut sequencer = with(&["a", "b"]);
    let at = |place| SubmittedCaret::At(Cursor::caret(Utf16Offset(place)));
    sequencer.submit(Submission { caret: at(2), ..submission(1, 1, insert(1, "x")) }).unwrap();
    sequencer.submit(Submission { caret: at(1), ..submission(2, 2, insert(0, "yy")) }).unwrap();
    sequencer.submit(Submission { caret: at(3), ..submission(3, 2, insert(2, "z")) }).unwrap();
    let batch = next(&mut sequencer);
    assert_eq!((batch.expected, batch.new_epoch), (sequencer.head(), epoch()));
    let settled = commit(&mut sequencer, &batch);
    assert_eq!(text(&sequencer), "yybaxz");
    let carets: Vec<_> = settled.rulings.iter().map(|(submission, _)| submission.caret.clone()).collect();
    assert_eq!(carets, [at(3), at(1), at(6)]);
    assert_eq!(
        settled.rulings.iter().map(|(_, ruling)| *ruling).collect::<Vec<_>>(),
        [3, 4, 5].map(|number| Ruling::Accepted(version(number)))
    );
    let told: Vec<_> =
        batch.members.iter().map(|member| (member.client, member.client_seq, member.generation)).collect();
    let seq = ClientSeq::new(4).unwrap();
    assert_eq!(told, [1, 2, 3].map(|number| (ClientId::from_bytes([number; 16]), seq, Generation::new(1))));
}

#[test]
fn an_operation_is_refused_for_what_is_wrong_with_it() {
    let mut limits = Limits::default();
    (limits.operation.components, limits.operation.attributes, limits.operation.bytes) = (2, 1, 40);
    let sequencer = Sequencer::<RichText>::new(limits, Head::default(), Document::default());
    let too_many = Operation::builder().insert("a").retain(Utf16Length(1)).insert("b").build();
    let attributes = cowrite_protocol::operation::Attributes::parse("{\"a\":1,\"b\":2}").unwrap();
    let mut formatted = Operation::builder();
    formatted.retain_with(Utf16Length(1), &attributes);
    for operation in [too_many, formatted.build(), insert(0, &"x".repeat(50))] {
        assert_eq!(sequencer.decode(&packed(&operation)), Err(Code::OperationTooLarge));
    }
    assert_eq!(sequencer.decode(&[0xff]), Err(Code::BadOperation));
    assert_eq!(sequencer.decode(&packed(&insert(3, "y"))), Ok(insert(3, "y")));
}

#[test]
fn a_base_is_known_and_its_length_is_reached_and_not_passed() {
    let mut sequencer = with(&["a", "b"]);
    assert_eq!(sequencer.submit(submission(1, 3, insert(0, "x"))), Err(Code::BaseAhead));
    assert_eq!(sequencer.submit(submission(1, 2, insert(3, "x"))), Err(Code::PastEnd));
    assert_eq!(sequencer.submit(submission(1, 1, delete(1, 1))), Err(Code::PastEnd));
    assert_eq!(sequencer.submit(submission(1, 2, insert(2, "x"))), Ok(()));
    assert_eq!(sequencer.submit(submission(2, 0, insert(0, "y"))), Ok(()));
    sequencer.tail_mut().shrink(1, usize::MAX);
    assert_eq!(sequencer.submit(submission(3, 0, insert(0, "z"))), Err(Code::Behind));
    // What waited for too long is told as what it is, and holds nobody else up.
    let mut rulings = Vec::new();
    let batch = sequencer.next_batch(epoch(), &mut rulings).unwrap();
    assert_eq!(ids(&rulings), [(2, Ruling::Rejected(Code::Behind))]);
    assert_eq!(batch.members.len(), 1);
}

#[test]
fn half_a_pair_is_refused_where_the_text_is_known() {
    let mut sequencer = with(&["🏆"]);
    sequencer.submit(submission(1, 1, insert(1, "x"))).unwrap();
    let mut rulings = Vec::new();
    assert!(sequencer.next_batch(epoch(), &mut rulings).is_none());
    assert_eq!(ids(&rulings), [(1, Ruling::Rejected(Code::SplitsPair))]);
    assert!(sequencer.is_idle());
}

#[test]
fn who_may_not_any_more_is_not_in_the_batch() {
    let mut sequencer = with(&["a"]);
    for number in 1..=3 {
        sequencer.submit(submission(number, 1, insert(0, "x"))).unwrap();
    }
    assert_eq!(sequencer.withdraw(|submission| submission.id != SubmissionId(2)), 1);
    assert_eq!(sequencer.withdraw(|_| true), 0);
    assert_eq!(next(&mut sequencer).members.len(), 2);
    assert!(!sequencer.holds(SubmissionId(2)));
}

#[test]
fn a_document_grows_up_to_its_limit_and_can_always_shrink() {
    let limits = Limits { document_units: 4, ..Limits::default() };
    let mut sequencer = Sequencer::<RichText>::new(limits, Head::default(), Document::default());
    // Each counts those before it in the batch.
    for (number, text) in (1..).zip(["ab", "c", "de", "f"]) {
        sequencer.submit(submission(number, 0, insert(0, text))).unwrap();
    }
    let mut rulings = Vec::new();
    let batch = sequencer.next_batch(epoch(), &mut rulings).unwrap();
    assert_eq!(ids(&rulings), [(3, Ruling::Rejected(Code::DocumentTooLarge))]);
    commit(&mut sequencer, &batch);
    assert_eq!(text(&sequencer).len(), 4);
    // A limit that was lowered stops nobody from deleting, or from changing what is there.
    sequencer.limits.document_units = 1;
    sequencer.submit(submission(1, 3, delete(0, 1))).unwrap();
    let replaced = Operation::builder().retain(Utf16Length(1)).insert("x").delete(Utf16Length(1)).build();
    sequencer.submit(submission(2, 3, replaced)).unwrap();
    let batch = next(&mut sequencer);
    commit(&mut sequencer, &batch);
    assert_eq!(text(&sequencer).len(), 3);
}

#[test]
fn a_batch_is_bounded_in_members_and_in_bytes_and_the_rest_keeps_its_order() {
    let mut sequencer = empty();
    for number in 0..=BATCH_MEMBERS {
        let id = SubmissionId(number as u64);
        sequencer.submit(Submission { id, ..submission(1, 0, insert(0, "x")) }).unwrap();
    }
    let batch = next(&mut sequencer);
    assert_eq!(batch.members.len(), BATCH_MEMBERS);
    commit(&mut sequencer, &batch);
    assert_eq!(next(&mut sequencer).members.len(), 1);

    let mut sequencer = empty();
    // Two that fill a batch to the last byte, one that is too much, one too large for any company.
    let overhead = |at, length: usize| packed(&insert(at, &"x".repeat(length))).len() - length;
    let first = 2 << 20;
    let second = BATCH_BYTES - overhead(0, first) - first - overhead(first as u32, first);
    for (number, length) in (1..).zip([first, second, 1, 5 << 20, 1]) {
        sequencer.submit(submission(number, 0, insert(0, &"x".repeat(length)))).unwrap();
    }
    let mut sizes = Vec::new();
    let mut order = Vec::new();
    while !sequencer.is_idle() {
        let batch = next(&mut sequencer);
        sizes.push(batch.members.len());
        order.extend(commit(&mut sequencer, &batch).rulings.iter().map(|(submission, _)| submission.id.0));
    }
    assert_eq!((sizes, order), (vec![2, 1, 1, 1], vec![1, 2, 3, 4, 5]));
}

#[test]
fn after_a_conflict_all_start_again_behind_the_log_in_their_order() {
    let mut sequencer = with(&["a"]);
    for number in 1..=2 {
        sequencer.submit(submission(number, 1, insert(1, &number.to_string()))).unwrap();
    }
    next(&mut sequencer);
    sequencer.submit(submission(3, 1, insert(1, "3"))).unwrap();
    // The log is further than the page that came with the answer.
    let log = [entry(1, "a"), entry(2, "b"), entry(3, "c")];
    let conflict = AppendOutcome::Conflict { head: head(&log, epoch()), entries: log[1..2].to_vec() };
    let settled = sequencer.append_finished(conflict);
    assert_eq!((settled.read_up_to, settled.obstacle), (Some(head(&log, epoch())), None));
    assert_eq!((text(&sequencer).as_str(), settled.retry, sequencer.is_appending()), ("a", false, false));
    next(&mut sequencer);
    let conflict = AppendOutcome::Conflict { head: head(&log, epoch()), entries: log[1..].to_vec() };
    assert_eq!(sequencer.append_finished(conflict).read_up_to, None, "all of it came");
    next(&mut sequencer);
    let nothing = AppendOutcome::Conflict { head: head(&log, epoch()), entries: Vec::new() };
    assert_eq!(sequencer.append_finished(nothing).read_up_to, Some(head(&log, epoch())));
    let batch = next(&mut sequencer);
    let settled = commit(&mut sequencer, &batch);
    assert_eq!(settled.rulings.iter().map(|(submission, _)| submission.id.0).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(text(&sequencer), "cba123");
}

#[test]
fn a_conflict_may_show_that_an_append_had_landed() {
    let mut sequencer = empty();
    sequencer.submit(submission(1, 0, insert(0, "x"))).unwrap();
    let batch = next(&mut sequencer);
    let settled = sequencer.append_finished(AppendOutcome::OutcomeUnknown);
    assert!(settled.retry && settled.rulings.is_empty() && sequencer.is_appending());
    let member = &batch.members[0];
    let own = Entry {
        client: member.client,
        client_seq: member.client_seq,
        operation: member.operation.clone(),
        ..entry(1, "")
    };
    let log = [own];
    let conflict = AppendOutcome::Conflict { head: head(&log, epoch()), entries: log.to_vec() };
    let settled = sequencer.append_finished(conflict);
    assert_eq!(ids(&settled.rulings), [(1, Ruling::Accepted(version(1)))]);
    // The document's first life is the log's, whoever began it.
    assert_eq!((sequencer.head(), sequencer.is_idle()), (head(&log, epoch()), true));
}

#[test]
fn who_is_refused_is_told_why_and_the_others_go_on() {
    let mut sequencer = with(&["a"]);
    for number in 1..=6 {
        sequencer.submit(submission(number, 1, insert(1, &number.to_string()))).unwrap();
    }
    next(&mut sequencer);
    sequencer.submit(submission(7, 1, insert(1, "7"))).unwrap();
    let duplicate = |last| Refusal::Duplicate { last: ClientSeq::new(last).unwrap(), version: version(1) };
    let members = vec![(0, duplicate(4)), (2, duplicate(5)), (3, Refusal::Fenced), (5, Refusal::OtherUser)];
    let settled = sequencer.append_finished(AppendOutcome::Refused { members });
    assert_eq!(
        ids(&settled.rulings),
        [
            (1, Ruling::Duplicate(version(1))),
            (3, Ruling::Rejected(Code::SeqReused)),
            (4, Ruling::Ended(Code::Superseded)),
            (6, Ruling::Ended(Code::ForeignClient)),
        ]
    );
    let batch = next(&mut sequencer);
    commit(&mut sequencer, &batch);
    assert_eq!(text(&sequencer), "a257");
}

#[test]
fn a_log_that_went_elsewhere_than_the_batch_holds_another_history() {
    let outcomes = |batch: &Batch| {
        let head = Head { epoch: Some(epoch()), version: version(2), hash: batch.hash_after };
        [
            AppendOutcome::Committed { head: Head { version: version(3), ..head } },
            AppendOutcome::Committed { head: Head { hash: RunningHash::ZERO, ..head } },
            AppendOutcome::EpochChanged { head },
        ]
    };
    for at in 0..3 {
        let mut sequencer = with(&["a"]);
        sequencer.submit(submission(1, 1, insert(0, "x"))).unwrap();
        let batch = next(&mut sequencer);
        let settled = sequencer.append_finished(outcomes(&batch)[at].clone());
        assert_eq!((settled.obstacle, settled.rulings.len()), (Some(Obstacle::OtherHistory), 0));
        assert_eq!(text(&sequencer), "a");
    }
}

#[test]
fn what_is_abandoned_is_all_that_was_being_appended_and_all_that_waited() {
    let mut sequencer = with(&["a"]);
    sequencer.submit(submission(1, 1, insert(0, "x"))).unwrap();
    next(&mut sequencer);
    sequencer.submit(submission(2, 1, insert(0, "y"))).unwrap();
    assert_eq!(sequencer.abandon().iter().map(|submission| submission.id.0).collect::<Vec<_>>(), [1, 2]);
    assert!(sequencer.is_idle());
}

#[test]
fn a_restoration_is_named_after_the_life_that_it_goes_into() {
    let first = |sequencer: &mut Sequencer<RichText>| {
        let client = ClientId::restoration(None);
        sequencer.submit(Submission { client, ..submission(1, 0, insert(0, "lost")) }).unwrap();
        next(sequencer).members[0].client
    };
    assert_eq!(first(&mut empty()), ClientId::restoration(Some(epoch())));
    let mut later = with(&["a"]);
    later.set_epoch(Epoch::from_random(8));
    assert_eq!(first(&mut later), ClientId::restoration(Some(Epoch::from_random(8))));
}
