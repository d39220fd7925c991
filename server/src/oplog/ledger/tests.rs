use bytes::Bytes;
use cowrite_protocol::Epoch;

use super::*;

fn member(client: u8, seq: u64, generation: u64, user: &str) -> Member {
    Member {
        client: ClientId::from_bytes([client; 16]),
        client_seq: ClientSeq::new(seq).unwrap(),
        generation: Generation::new(generation),
        user: user.parse().unwrap(),
        operation: Bytes::new(),
    }
}

fn batch(expected: Head, members: Vec<Member>) -> Batch {
    let hash_after = RunningHash::from_bytes([members.len() as u8 + 1; 16]);
    Batch { expected, new_epoch: Epoch::from_random(7), members, hash_after, time_ms: 1_000 }
}

#[test]
fn every_offending_member_is_listed_and_the_members_of_one_client_must_rise() {
    let mut ledger = Ledger::default();
    ledger.open(Some((ClientId::from_bytes([1; 16]), "ann".parse().unwrap())), 0).unwrap();
    ledger.open(Some((ClientId::from_bytes([1; 16]), "ann".parse().unwrap())), 0).unwrap();
    let first = batch(Head::default(), vec![member(1, 5, 2, "ann")]);
    assert_eq!(ledger.judge(&first, |_| None), Verdict::Fits);
    ledger.commit(&first);
    let version = Version::new(1).unwrap();
    let second = batch(
        ledger.head,
        vec![
            member(1, 6, 1, "ann"),
            member(2, 1, 1, "bob"),
            member(1, 6, 2, "eve"),
            member(1, 5, 2, "ann"),
            member(2, 1, 1, "bob"),
            member(2, 2, 1, "eve"),
        ],
    );
    let (five, one) = (ClientSeq::new(5).unwrap(), ClientSeq::new(1).unwrap());
    assert_eq!(
        ledger.judge(&second, |_| None),
        Verdict::Refused(vec![
            (0, Refusal::Fenced),
            (2, Refusal::OtherUser),
            (3, Refusal::Duplicate { last: five, version }),
            (4, Refusal::Duplicate { last: one, version: Version::new(3).unwrap() }),
            (5, Refusal::OtherUser),
        ])
    );
}

#[test]
fn no_entry_is_numbered_above_the_highest_version() {
    let head = Head { epoch: Epoch::new(1), version: Version::MAX, hash: RunningHash::ZERO };
    let ledger = Ledger { head, ..Ledger::default() };
    assert_eq!(ledger.judge(&batch(head, vec![member(1, 1, 1, "ann")]), |_| None), Verdict::Full);
}

#[test]
fn a_client_is_forgotten_only_when_long_unseen_and_without_an_entry() {
    let mut ledger = Ledger::default();
    ledger.commit(&batch(Head::default(), vec![member(1, 1, 1, "ann")]));
    ledger.forget(1_000 + CLIENT_KEPT_MS + 1);
    assert_eq!(ledger.clients.len(), 1);
    ledger.floor = Version::new(1).unwrap();
    ledger.forget(1_000 + CLIENT_KEPT_MS);
    assert_eq!(ledger.clients.len(), 1);
    ledger.forget(1_000 + CLIENT_KEPT_MS + 1);
    assert_eq!(ledger.clients.len(), 0);
}

fn id(client: u8) -> ClientId {
    ClientId::from_bytes([client; 16])
}

fn ann() -> UserId {
    "ann".parse().unwrap()
}

/// A ledger that holds three entries of a first life: two batches, by clients 1 and 2.
fn written() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.commit(&batch(Head::default(), vec![member(1, 1, 1, "ann"), member(2, 1, 1, "bob")]));
    ledger.commit(&batch(ledger.head, vec![member(1, 2, 1, "ann")]));
    ledger
}

#[test]
fn opening_raises_the_generation_and_binds_the_id_to_its_user() {
    let mut ledger = written();
    ledger.floor = Version::new(1).unwrap();
    ledger.take_changed();
    let opened = ledger.open(None, 2_000).unwrap();
    assert_eq!(opened, OpenedLog { head: ledger.head, floor: ledger.floor, client: None });
    assert!(!ledger.is_changed());
    let opened = ledger.open(Some((id(1), ann())), 2_000).unwrap();
    let last = Some((ClientSeq::new(2).unwrap(), Version::new(3).unwrap()));
    assert_eq!(opened.client, Some(ClientState { generation: Generation::new(2), last }));
    assert!(ledger.open(Some((id(1), "eve".parse().unwrap())), 3_000).is_none());
    assert_eq!(ledger.clients[&id(1)].generation, Generation::new(2));
    assert_eq!(ledger.clients[&id(1)].seen_ms, 2_000);
    let opened = ledger.open(Some((id(3), ann())), 2_500).unwrap();
    assert_eq!(opened.client, Some(ClientState { generation: Generation::new(1), last: None }));
    assert_eq!((ledger.is_changed(), ledger.take_changed()), (true, BTreeSet::from([id(1), id(3)])));
    assert!(!ledger.is_changed() && ledger.take_changed().is_empty());
}

#[test]
fn an_append_is_judged_by_the_place_and_the_history_that_it_was_made_on() {
    let ledger = written();
    let at = |epoch, version, hash| Head { epoch, version: Version::new(version).unwrap(), hash };
    let (ours, other) = (ledger.head.epoch, Epoch::new(9));
    let (here, known) = (ledger.head.hash, RunningHash::from_bytes([5; 16]));
    let judge = |expected, hash_at: Option<RunningHash>| {
        ledger.judge(&batch(expected, vec![member(3, 1, 1, "ann")]), |_| hash_at)
    };
    assert_eq!(judge(at(ours, 3, here), None), Verdict::Fits);
    assert_eq!(judge(at(ours, 3, known), Some(known)), Verdict::EpochChanged, "another hash at the head");
    assert_eq!(judge(at(other, 3, here), None), Verdict::EpochChanged);
    assert_eq!(judge(at(ours, 4, here), None), Verdict::EpochChanged, "ahead of the log");
    let conflict = Verdict::Conflict(Version::new(2).unwrap());
    assert_eq!(judge(at(ours, 2, known), Some(known)), conflict);
    assert_eq!(judge(at(ours, 2, known), None), conflict, "nobody knows the hash there");
    assert_eq!(judge(at(ours, 2, known), Some(here)), Verdict::EpochChanged);
    assert_eq!(judge(Head::default(), None), Verdict::Conflict(Version::ZERO), "in step with the first life");
    // Nothing was written here, but the writer knows of something.
    let member = || vec![member(3, 1, 1, "ann")];
    let ahead = batch(at(None, 1, known), member());
    assert_eq!(Ledger::default().judge(&ahead, |_| None), Verdict::EpochChanged);
    let lost = batch(at(ours, 3, here), member());
    assert_eq!(Ledger::default().judge(&lost, |_| None), Verdict::EpochChanged);
    assert_eq!(Ledger::default().judge(&batch(Head::default(), member()), |_| None), Verdict::Fits);
}

#[test]
fn the_last_version_is_given_and_none_after_it() {
    let version = Version::new(Version::MAX.get() - 2).unwrap();
    let head = Head { epoch: Epoch::new(1), version, hash: RunningHash::ZERO };
    let ledger = Ledger { head, ..Ledger::default() };
    let members = |count| (1..=count).map(|client| member(client, 1, 1, "ann")).collect();
    assert_eq!(ledger.judge(&batch(head, members(2)), |_| None), Verdict::Fits);
    assert_eq!(ledger.judge(&batch(head, members(3)), |_| None), Verdict::Full);
}

#[test]
fn a_batch_becomes_entries_records_and_the_head() {
    let mut ledger = Ledger::default();
    ledger.open(Some((id(1), ann())), 0).unwrap();
    ledger.take_changed();
    let made = batch(Head::default(), vec![member(1, 4, 1, "ann"), member(2, 1, 3, "bob"), member(1, 7, 1, "ann")]);
    let entries = ledger.commit(&made);
    let told: Vec<_> =
        entries.iter().map(|entry| (entry.version.get(), entry.client, entry.client_seq.get())).collect();
    assert_eq!(told, [(1, id(1), 4), (2, id(2), 1), (3, id(1), 7)]);
    assert!(entries.iter().all(|entry| entry.time_ms == 1_000) && entries[1].user.as_str() == "bob");
    let hash = made.hash_after;
    assert_eq!(ledger.head, Head { epoch: Some(made.new_epoch), version: Version::new(3).unwrap(), hash });
    let record = |user: &str, generation, seq, version| ClientRecord {
        user: user.parse().unwrap(),
        generation: Generation::new(generation),
        last: Some((ClientSeq::new(seq).unwrap(), Version::new(version).unwrap())),
        seen_ms: 1_000,
    };
    assert_eq!(ledger.clients, HashMap::from([(id(1), record("ann", 1, 7, 3)), (id(2), record("bob", 3, 1, 2))]));
    assert_eq!(ledger.take_changed(), BTreeSet::from([id(1), id(2)]));
    // A later batch lives the same life, whatever it would have called a new one.
    let later = Batch { new_epoch: Epoch::from_random(8), ..batch(ledger.head, vec![member(2, 2, 3, "bob")]) };
    ledger.commit(&later);
    assert_eq!(ledger.head.epoch, Some(made.new_epoch));
    let before = ledger.head;
    assert!(ledger.commit(&batch(before, Vec::new())).is_empty() && ledger.head == before);
}

#[test]
fn a_snapshot_is_wanted_of_this_life_up_to_the_head_and_not_older_than_the_last() {
    let mut ledger = written();
    let at = |version| Head { version: Version::new(version).unwrap(), ..ledger.head };
    let (one, two, here, ahead) = (at(1), at(2), at(3), at(4));
    let wants = |ledger: &Ledger, head| ledger.wants_snapshot(head);
    assert!(wants(&ledger, two) && wants(&ledger, here));
    assert!(!wants(&ledger, ahead) && !wants(&ledger, Head { epoch: Epoch::new(9), ..two }));
    assert!(!wants(&ledger, Head { hash: RunningHash::ZERO, ..here }), "another history at the head");
    assert!(!wants(&Ledger::default(), Head::default()), "nothing was written");
    ledger.snapshot = Some((two.version, two.hash));
    assert!(!wants(&ledger, one) && wants(&ledger, two) && wants(&ledger, here));
    ledger.snapshot = Some((two.version, RunningHash::ZERO));
    assert!(!wants(&ledger, two) && wants(&ledger, here), "another history where the last was made");
}

#[test]
fn the_floor_follows_the_snapshot_and_never_sinks() {
    let mut ledger = written();
    let version = |number| Version::new(number).unwrap();
    assert_eq!(ledger.floor_after(version(3)), Version::ZERO, "without a snapshot all is needed");
    ledger.snapshot = Some((version(2), RunningHash::ZERO));
    assert_eq!([1, 2, 3].map(|before| ledger.floor_after(version(before)).get()), [1, 2, 2]);
    ledger.floor = version(2);
    assert_eq!(ledger.floor_after(version(1)), version(2));
}

#[test]
fn a_life_begins_only_where_the_old_one_is_known() {
    let (mut ledger, new) = (written(), Epoch::from_random(9));
    let (old, version) = (ledger.head.epoch, ledger.head.version);
    let after = |old| NewLife { old, new, unless: None };
    assert!(!ledger.advance(after(None)) && !ledger.advance(after(Some(new))));
    assert_eq!(ledger.head.epoch, old);
    assert!(ledger.advance(after(old)));
    assert_eq!((ledger.head.epoch, ledger.head.version), (Some(new), version));
}

#[test]
fn what_was_fenced_stays_fenced_where_the_rest_is_lost() {
    let opened = |times| {
        let mut ledger = written();
        for at in 0..times {
            ledger.open(Some((id(1), ann())), 2_000 + at).unwrap();
        }
        ledger
    };
    let stored = |ledger: &Ledger| Ledger::stored(ledger.head, ledger.floor, ledger.snapshot, ledger.clients.clone());
    let mut behind = stored(&opened(1));
    assert!(!behind.is_changed() && behind.head == written().head && behind.clients.len() == 2);
    let mut lost = opened(3);
    lost.commit(&batch(lost.head, vec![member(4, 1, 2, "eve")]));
    behind.adopt_generations(&lost);
    let (known, last) = (&behind.clients[&id(1)], written().clients[&id(1)].last);
    assert_eq!((known.generation, known.seen_ms, known.last), (Generation::new(4), 2_002, last));
    // Who was new is bound and fenced, but nothing of it is in the log.
    let new = &behind.clients[&id(4)];
    assert_eq!((new.generation, new.user.as_str(), new.last), (Generation::new(2), "eve", None));
    assert_eq!(behind.take_changed(), BTreeSet::from([id(1), id(4)]));
    // What is newer already stays.
    let mut ahead = stored(&opened(3));
    ahead.adopt_generations(&opened(1));
    assert_eq!(ahead.clients[&id(1)].generation, Generation::new(4));
    assert!(!ahead.is_changed());
}

#[test]
fn who_is_forgotten_is_named_once() {
    let mut ledger = written();
    ledger.floor = Version::new(2).unwrap();
    ledger.take_changed();
    // Client 2 has its last entry at the floor, client 1 one above it.
    ledger.forget(1_000 + CLIENT_KEPT_MS + 1);
    assert_eq!((ledger.clients.len(), ledger.take_changed()), (1, BTreeSet::from([id(2)])));
    assert_eq!(CLIENT_KEPT_MS, 604_800_000);
}
