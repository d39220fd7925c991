//! Links that are there and carry nothing, or little.

use std::time::Duration;

use cowrite_client::engine::StatusState;
use cowrite_client::native::{NativeClient, NativeSettings};
use cowrite_protocol::operation::Operation;
use cowrite_tests::crowd::{Crowd, CrowdSettings, Loss};
use cowrite_tests::relay::{Relay, Ways};
use cowrite_tests::server::ServerProcess;
use cowrite_tests::switchboard::{BoardSettings, Heading, Switchboard};

const PATIENCE: Duration = Duration::from_secs(30);

/// When somebody's link turns into a hole, which this long delivers nothing, new connections included.
const HOLE_MS: u64 = 300_000;

#[test]
fn a4_who_types_into_a_hole_for_five_minutes_is_told_in_ten_seconds_and_loses_nothing() {
    for typing in [true, false] {
        let mut board = Switchboard::new(BoardSettings::default());
        let (ann, bob) = (board.join(0), board.join(0));
        board.types(bob, 0, "abc");
        board.pass(1_000);
        assert_eq!(board.person(bob).engine().members().count(), 2);
        board.set_hole(ann, true);
        let began = board.now();
        let (mut noticed, mut unseen, mut freed, mut typed) = (None, None, None, 0);
        while board.now() - began < HOLE_MS {
            if typing && (board.now() - began).is_multiple_of(1_000) {
                board.types(ann, 3 + typed, "x");
                typed += 1;
            }
            board.pass(100);
            let passed = board.now() - began;
            if board.person(ann).status().state != StatusState::Online {
                noticed.get_or_insert(passed);
            }
            if board.person(bob).engine().members().count() == 1 {
                unseen.get_or_insert(passed);
            }
            if board.connections(ann) == 0 {
                freed.get_or_insert(passed);
            }
        }
        let most = if typing { 10_000 } else { 25_000 };
        assert!(noticed.is_some_and(|noticed| noticed <= most), "noticed after {noticed:?}");
        assert!(unseen.is_some_and(|unseen| unseen <= 30_000), "still shown to others for {unseen:?}");
        assert!(freed.is_some_and(|freed| freed <= 90_000), "its connection was kept for {freed:?}");
        assert_ne!(board.person(ann).status().state, StatusState::Online);
        board.set_hole(ann, false);
        assert_eq!(board.check(), format!("abc{}", "x".repeat(typed as usize)));
        board.pass(1_000);
        assert_eq!(board.person(bob).engine().members().count(), 2);
    }
}

/// A thousand bytes a second each way, of which others write more.
#[test]
fn a14_a_link_of_a_thousand_bytes_a_second_is_led_on_by_compositions_within_a_bounded_queue() {
    const BOUND: usize = 3_000;
    let mut board = Switchboard::new(BoardSettings { queue_bytes: BOUND, ..BoardSettings::default() });
    let (slow, bob, eve) = (board.join(0), board.join(0), board.join(0));
    board.set_stuck(slow, true);
    board.hold(slow, Heading::Up);
    let (mut typed, mut worst) = (0, 0);
    for step in 0..600 {
        for _ in 0..5 {
            board.types(bob, 0, "forty letters that are typed at one time");
        }
        if step % 10 == 0 {
            let at = u32::try_from(board.person(slow).text().len()).unwrap();
            board.types(slow, at, "mine");
            typed += 1;
        }
        board.trickle(slow, 100);
        board.pass(100);
        worst = worst.max(board.queued(slow));
        assert_eq!(board.person(eve).text(), board.person(bob).text(), "the others are not slowed");
    }
    assert!(worst <= BOUND + 500, "{worst} bytes wait");
    let told = &board.person(slow).told;
    let count = |name: &str| told.iter().filter(|told| **told == name).count();
    println!(
        "{} commits, {} compositions, {} acks, at most {worst} bytes",
        count("Commit"),
        count("Composed"),
        count("Ack")
    );
    assert!(count("Composed") > 0 && count("Ack") > 0, "{told:?}");
    assert_eq!(board.person(slow).reopened, 0);
    board.set_stuck(slow, false);
    board.release(slow, Heading::Up);
    assert_eq!(board.check().matches("mine").count(), typed);
}

/// One of eight has a thousand bytes a second each way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a14_who_has_a_slow_link_slows_nobody() {
    let server = ServerProcess::with_flags(&["--memory", "--queue-bytes", "4096"]);
    let settings = CrowdSettings { clients: 8, documents: 1, pause_ms: 10, ..CrowdSettings::default() };
    let mut crowd = Crowd::gather(&[server.address()], settings).await;
    crowd.start_typing();
    crowd.until_accepted(100, PATIENCE).await;
    crowd.people()[0].relay().rate(Ways::Both, Some(1_000));
    let accepted =
        |crowd: &Crowd| crowd.people().iter().map(|person| person.document().status().accepted).collect::<Vec<_>>();
    for _ in 0..2 {
        let before = accepted(&crowd);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let grown: Vec<_> = accepted(&crowd).iter().zip(&before).map(|(now, before)| now - before).collect();
        assert!(grown[1..].iter().all(|edits| *edits > 0), "somebody waits for the slow one: {grown:?}");
    }
    crowd.people()[0].relay().rate(Ways::Both, None);
    crowd.settle(PATIENCE).await.unwrap();
    let report = crowd.check(Loss::Never).await.unwrap();
    println!("{report:?}");
    assert_eq!((report.refused, report.unknown, report.diverged, report.merged), (0, 0, 0, 0), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a17_a_proxy_that_gathers_and_splits_what_it_carries_costs_time_and_nothing_else() {
    let server = ServerProcess::with_flags(&["--memory"]);
    let settings = CrowdSettings { clients: 8, documents: 2, ..CrowdSettings::default() };
    let mut crowd = Crowd::gather(&[server.address()], settings).await;
    for person in crowd.people() {
        // Many frames at once, in pieces that end within heads, frames and characters.
        person.relay().gather(Ways::Both, Duration::from_millis(80));
        person.relay().split(Ways::Both, Some([1, 2, 5, 13][person.number() / 2]));
    }
    crowd.start_typing();
    crowd.until_accepted(200, PATIENCE).await;
    crowd.settle(PATIENCE).await.unwrap();
    let report = crowd.check(Loss::Never).await.unwrap();
    println!("{report:?}");
    assert_eq!((report.refused, report.unknown, report.diverged, report.reconnects), (0, 0, 0, 0), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a17_a_proxy_that_ends_idle_links_finds_none_while_the_server_asks_for_signs_of_life() {
    // A link may be idle three times as long as the server waits, as with 60 s and the 20 s of the default.
    let idle = Duration::from_millis(1_200);
    let reached = async |ping_ms: &str| {
        let server = ServerProcess::with_flags(&["--memory", "--ping-ms", ping_ms]);
        let relay = Relay::to(server.address());
        let url = format!("ws://{}/v1/socket", relay.address());
        let client = NativeClient::connect(&url, "dev:ada", NativeSettings::default()).unwrap();
        let document = client.open("quiet".parse().unwrap(), "").unwrap();
        tokio::time::timeout(PATIENCE, document.opened()).await.unwrap().unwrap();
        relay.end_idle(Some(idle));
        tokio::time::sleep(4 * idle).await;
        let links = relay.accepted();
        // One way or the other, whoever then types is accepted.
        let edit = document.edit(&Operation::builder().insert("x").build()).unwrap();
        tokio::time::timeout(PATIENCE, document.when_accepted(edit)).await.unwrap().unwrap();
        links
    };
    let (asked, unasked) = tokio::join!(reached("400"), reached("60000"));
    assert_eq!(asked, 1, "a link was idle");
    assert!(unasked > 1, "the proxy ends none");
}
