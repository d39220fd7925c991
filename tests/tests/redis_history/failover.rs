//! A replica takes over that does not have all.

use std::time::{Duration, Instant};

use cowrite_client::engine::{Origin, StatusState};
use cowrite_client::native::{NativeClient, NativeSettings};
use cowrite_client::{Event, ProposalKind};
use cowrite_protocol::RichText;
use cowrite_protocol::frame::Code;
use cowrite_tests::crowd::{Crowd, Decision, Person};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::relay::{Relay, Ways};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::scene::*;

/// A primary, and a replica over a network of its own.
struct Pair {
    primary: RedisProcess,
    replica: RedisProcess,
    link: Relay,
}

impl Pair {
    fn start() -> Pair {
        let (primary, replica) = (RedisProcess::start(&[]), RedisProcess::start(&[]));
        let link = Relay::to(primary.address());
        replica.replicate(link.address());
        Pair { primary, replica, link }
    }
}

/// The first of each document, and all others.
fn parted(crowd: &Crowd) -> (Vec<&Person>, Vec<&Person>) {
    crowd.people().iter().partition(|person| person.number() < 2)
}

/// Takes the early ones off the network, and then the replica: what the others have accepted
/// from here on will be lost.
async fn fork(pair: &Pair, crowd: &Crowd) {
    let (early, others) = parted(crowd);
    early.iter().for_each(|person| person.relay().hole(Ways::Both));
    pair.primary.until_replicated(&pair.replica);
    pair.link.hole(Ways::Both);
    until_each_accepted(&others, 5).await;
}

/// The early ones write a history of their own, beyond where the others stand. Then the others
/// come back.
async fn write_another_history(crowd: &Crowd) {
    let (early, others) = parted(crowd);
    come_back(early.iter().copied());
    let is_beyond = |person: &&Person| {
        let before = others.iter().filter(|other| other.id() == person.id());
        before.map(|other| version(other)).max() < Some(version(person))
    };
    until("the log is beyond where the others stand", || early.iter().all(is_beyond)).await;
    come_back(others.iter().copied());
}

async fn all_end_in_step(crowd: Crowd) {
    let (_, others) = parted(&crowd);
    until("all others are told of their loss", || others.iter().all(|person| is_told(person))).await;
    let (early, _) = parted(&crowd);
    assert!(!early.iter().any(|person| is_told(person)), "what they had is all there");
    nothing_is_lost(&crowd);
    let report = end(crowd, Decision::Discard).await;
    assert_eq!(report.diverged, 0, "a client had to find out by itself: {report:?}");
}

/// The servers are started anew, so nobody remembers but the clients. A client that had not
/// gone beyond the fork goes on in step.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c1_who_held_what_a_failover_lost_is_told_and_nobody_forks() {
    let mut pair = Pair::start();
    let mut servers = Servers::start(pair.primary.address(), &[]);
    let crowd = gather(&servers).await;
    fork(&pair, &crowd).await;
    crowd.brace().await;
    servers.all.iter_mut().for_each(|server| server.kill_9());
    pair.primary.kill_9();
    pair.replica.promote();
    servers.lead_to(pair.replica.address());
    servers.all.iter_mut().for_each(|server| server.restart());
    let listening: Vec<_> = parted(&crowd).0.iter().map(|person| person.document().events()).collect();
    write_another_history(&crowd).await;
    all_end_in_step(crowd).await;
    assert!(listening.into_iter().all(went_on_in_step), "a client below the fork was loaded anew");
}

/// The servers live on, and their rooms remember what the log has lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c2_servers_that_live_through_a_failover_notice_it() {
    let mut pair = Pair::start();
    let servers = Servers::start(pair.primary.address(), &[]);
    let crowd = gather(&servers).await;
    fork(&pair, &crowd).await;
    crowd.brace().await;
    pair.primary.kill_9();
    pair.replica.promote();
    servers.lead_to(pair.replica.address());
    let listening: Vec<_> = parted(&crowd).0.iter().map(|person| person.document().events()).collect();
    write_another_history(&crowd).await;
    all_end_in_step(crowd).await;
    assert!(listening.into_iter().all(went_on_in_step), "a client below the fork was loaded anew");
    assert!(servers.said("the log holds another history than this room"));
}

/// The log is beyond a room already when that room first looks: what comes after the
/// room's version in the log does not continue the room's history.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c2_a_log_that_is_beyond_a_room_is_not_taken_for_its_continuation() {
    let mut pair = Pair::start();
    let mut servers = Servers::start(pair.primary.address(), &[]);
    let crowd = gather(&servers).await;
    // Of the other document the first server has a reader only, so its room appends nothing.
    let client = NativeClient::connect(&servers.all[0].url(), "dev:reader", NativeSettings::default()).unwrap();
    let reader = client.open(crowd.documents()[1].clone(), "").unwrap();
    reader.opened().await.unwrap();
    fork(&pair, &crowd).await;
    // The first server waits for Redis, with what its clients have sent; they stay connected.
    let (early, others) = parted(&crowd);
    let (there, elsewhere): (Vec<&Person>, Vec<_>) = others.iter().partition(|person| person.number() % 2 == 0);
    elsewhere.iter().for_each(|person| person.relay().hole(Ways::Up));
    servers.ways[0].hole(Ways::Both);
    let at_rest = || there.iter().all(|person| person.is_loaded() && version(person) == version(there[0]));
    until("all have an operation in flight", at_rest).await;
    crowd.until_loaded(crowd.people().len()).await;
    servers.all[1].kill_9();
    pair.primary.kill_9();
    pair.replica.promote();
    lead_to(&servers.ways[1], pair.replica.address());
    servers.all[1].restart();
    early.iter().for_each(|person| person.relay().retarget(&[servers.all[1].address()]));
    come_back(early.iter().copied());
    let known = |person: &Person| if person.number() == 0 { version(there[0]) } else { reader.status().version };
    let beyond = || early.iter().all(|person| version(person).since(known(person)) > 20);
    until("the log is beyond the rooms", beyond).await;
    let mut listening: Vec<_> = there.iter().map(|person| person.document().events()).collect();
    listening.push(reader.events());
    lead_to(&servers.ways[0], pair.replica.address());
    come_back(elsewhere.iter().copied());
    for events in listening {
        until_anew(events).await;
    }
    all_end_in_step(crowd).await;
}

/// Waits until the document was opened anew; nothing that others did may come before that.
async fn until_anew(mut events: UnboundedReceiver<Event<RichText>>) {
    loop {
        match timeout(PATIENCE, events.recv()).await.unwrap().unwrap() {
            Event::Opened { .. } => return,
            Event::Change { origin, operation, .. } => {
                assert_ne!(origin, Origin::Remote, "an entry of another history was applied: {operation:?}");
            }
            _ => {}
        }
    }
}

/// Each server has a primary of its own. The one whose primary nobody follows any more calls
/// nothing durable and soon accepts nothing; when it is healed, what it had accepted is lost, and
/// that is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c3_a_server_on_a_primary_that_was_left_fences_itself() {
    let pair = Pair::start();
    let third = RedisProcess::start(&[]);
    third.replicate(pair.replica.address());
    let flags = ["--redis-durability", "replicas:1", "--redis-confirm-ms", "1500"];
    let servers = Servers::start(pair.primary.address(), &flags);
    let crowd = gather(&servers).await;
    let durable = |person: &Person| person.document().status().durable.unwrap_or_default();
    until("something of each is durable", || crowd.people().iter().all(|person| durable(person) > 0)).await;
    let (left, led): (Vec<_>, Vec<_>) = crowd.people().iter().partition(|person| person.number() % 2 == 0);
    for (people, server) in [(&left, 0), (&led, 1)] {
        people.iter().for_each(|person| person.relay().retarget(&[servers.all[server].address()]));
    }
    pair.link.hole(Ways::Both);
    pair.replica.promote();
    lead_to(&servers.ways[1], pair.replica.address());
    until_each_accepted(&left, 2).await;
    let is_stalled = |person: &&Person| person.document().status().state == StatusState::Stalled;
    until("the left ones are told that nothing goes on", || left.iter().all(is_stalled)).await;
    assert!(servers.said("none is accepted until they are"));
    let accepted = |people: &[&Person]| people.iter().map(|person| person.document().status().accepted).sum::<u64>();
    let (before, durable_before): (u64, Vec<u64>) =
        (accepted(&left), led.iter().map(|person| durable(person)).collect());
    let goes_on = || led.iter().zip(&durable_before).all(|(person, before)| durable(person) > before + 10);
    until("the others go on and their work is durable", goes_on).await;
    assert_eq!(accepted(&left), before, "accepted by a server that nobody follows");
    crowd.until_loaded(8).await;
    lead_to(&servers.ways[0], pair.replica.address());
    until("the left ones are told of their loss", || left.iter().all(|person| is_told(person))).await;
    nothing_is_lost(&crowd);
    end(crowd, Decision::Discard).await;
    assert!(servers.said("edits are confirmed by replicas again"));
}

/// Two clients stand at different versions that were lost, and both want the text back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c24_two_who_restore_at_once_do_not_double_the_text() {
    let mut pair = Pair::start();
    let mut servers = Servers::start(pair.primary.address(), &[]);
    let mut crowd = gather(&servers).await;
    fork(&pair, &crowd).await;
    // What they have in flight from here on reaches no log.
    let people = crowd.people();
    let (one, other, witness) = (&people[2], &people[4], &people[6]);
    one.relay().hole(Ways::Up);
    until_each_accepted(&[other, witness], 4).await;
    one.relay().hole(Ways::Both);
    until_each_accepted(&[other], 4).await;
    other.relay().hole(Ways::Up);
    until_each_accepted(&[witness], 4).await;
    other.relay().hole(Ways::Both);
    crowd.brace().await;
    servers.all.iter_mut().for_each(|server| server.kill_9());
    pair.primary.kill_9();
    pair.replica.promote();
    servers.lead_to(pair.replica.address());
    servers.all.iter_mut().for_each(|server| server.restart());
    crowd.stop_typing().await;
    let people = crowd.people();
    let both = [&people[2], &people[4]];
    assert_ne!(version(both[0]), version(both[1]));
    let tokens = both.map(|person| {
        let text = person.document().read(|engine| engine.accepted_document().text().to_string());
        text.unwrap().chars().collect::<Vec<char>>()
    });
    come_back(both);
    until("both are told", || both.iter().all(|person| is_told(person))).await;
    let mut events = both.map(|person| person.document().events());
    let mut answers = Vec::new();
    for (person, events) in both.iter().zip(&mut events) {
        let proposals = person.document().read(|engine| engine.proposals().iter().map(|known| known.id).collect());
        let proposals: Vec<u32> = proposals.unwrap();
        assert_eq!(proposals.len(), 1);
        let start = Instant::now();
        let settled = loop {
            assert!(start.elapsed() < PATIENCE, "the restoration is not answered");
            person.document().accept_proposal(proposals[0]).unwrap();
            if let Ok(Some(Event::ProposalSettled { refused, .. })) =
                timeout(Duration::from_millis(20), events.recv()).await
            {
                break refused;
            }
        };
        answers.push(settled);
    }
    assert_eq!(answers, [None, Some(Code::AlreadyRestored)]);
    // What the second still misses is for a person to decide; this one wants it.
    let remaining: Vec<_> = both[1]
        .document()
        .read(|engine| engine.proposals().iter().map(|known| (known.id, known.kind)).collect())
        .unwrap();
    assert!(matches!(remaining[..], [(_, ProposalKind::Remaining)]), "{remaining:?}");
    both[1].document().accept_proposal(remaining[0].0).unwrap();
    until("all is sent", || both.iter().all(|person| person.document().status().pending == 0)).await;
    until("both are in step", || version(both[0]) == version(both[1])).await;
    let text = both[0].document().text();
    for token in tokens.iter().flatten() {
        assert_eq!(text.matches(*token).count(), 1, "{token:?} in {text:?}");
    }
    let rest: Vec<&Person> = people.iter().filter(|person| ![2, 4].contains(&person.number())).collect();
    let listening = rest.iter().map(|person| person.document().events()).collect();
    come_back(rest);
    until_reopened(listening).await;
    end(crowd, Decision::Discard).await;
}
