//! A link that is cut at every place of one scripted session.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use cowrite_client::LinkState;
use cowrite_client::native::{NativeClient, NativeSettings, TokenSource};
use cowrite_client::session::SessionSettings;
use cowrite_protocol::{Limits, Operation, Utf16Length};
use cowrite_server::room::RoomSettings;
use cowrite_tests::relay::{Relay, Ways};
use cowrite_tests::server::ServerProcess;
use cowrite_tests::switchboard::{BoardSettings, Switchboard};

/// Whoever comes second.
const ANN: usize = 1;

/// What is pasted; it travels in parts.
const PASTE: &str = "a text that is longer than one part of a transfer";

/// Bob is here with "abc"; Ann's line is cut when so many frames have arrived since, and she comes
/// back at once, by the other server in turn. She writes in front of it and Bob behind it. Gives the
/// number of frames that arrived in all.
fn session(cut_after: u64) -> u64 {
    let limits = Limits { part_bytes: 16, ..Limits::default() };
    let room = RoomSettings { compose_from: 3, ..RoomSettings::default() };
    let mut board = Switchboard::new(BoardSettings { servers: 2, limits, room, ..BoardSettings::default() });
    let bob = board.join(0);
    board.types(bob, 0, "abc");
    let before = board.arrived();
    board.cut_after(ANN, before + cut_after);
    let ann = board.join(0);
    let mut home = 0;
    let mut back = |board: &mut Switchboard| {
        if !board.is_connected(ann) {
            home = 1 - home;
            board.come_back(ann, home);
        }
    };
    back(&mut board);
    for round in 0..3 {
        let at = board.person(ann).text().find("abc").unwrap();
        board.types(ann, u32::try_from(at).unwrap(), &format!("x{round}"));
        let end = u32::try_from(board.person(bob).text().len()).unwrap();
        board.types(bob, end, &format!("y{round}"));
        // Behind what is in flight, if there is no line.
        board.types(ann, u32::try_from(at).unwrap() + 2, &format!("{round}{PASTE}"));
        board.deletes(ann, u32::try_from(at).unwrap() + 2, 1);
        let end = u32::try_from(board.person(bob).text().len()).unwrap();
        board.types(bob, end, PASTE);
        back(&mut board);
    }
    let text = board.check();
    let expected = |letter: char| (0..3).map(|round| format!("{letter}{round}{PASTE}")).collect::<String>();
    assert_eq!(text, format!("{}abc{}", expected('x'), expected('y')), "cut after {cut_after}");
    let (ann, bob) = (board.person(ann), board.person(bob));
    assert_eq!((ann.diverged, bob.diverged, ann.rejected.len(), ann.proposals.len()), (0, 0, 0, 0));
    board.arrived() - before
}

#[test]
fn a3_a_session_cut_after_every_frame_ends_with_one_text() {
    let frames = session(1 << 40);
    (0..=frames).for_each(|cut| {
        session(cut);
    });
    println!("{frames} cuts");
    assert!(frames > 50, "{frames}");
}

/// So many pages at a time, each for one place at which its link is cut.
const AT_ONCE: u64 = 24;

const PATIENCE: Duration = Duration::from_secs(60);

/// A page that types into a document of its own, over a link that is cut once, after so many bytes.
/// Gives whether it was: else all was said before.
async fn cut_at_byte(server: SocketAddr, ways: Ways, bytes: u64) -> bool {
    let relay = Relay::to(server);
    relay.cut_after(ways, Some(bytes));
    let settings = NativeSettings { session: SessionSettings::new(bytes) };
    let id = format!("{ways:?}-{bytes}");
    let url = format!("ws://{}/v1/socket", relay.address());
    let client = NativeClient::connect(&url, TokenSource::fixed(&format!("dev:{id}")), settings).unwrap();
    let document = client.open(id.parse().unwrap(), "").unwrap();
    let link = client.link();
    let deadline = Instant::now() + PATIENCE;
    let (mut typed, mut cut) = (0, false);
    while typed < 3 || document.status().pending > 0 {
        assert!(Instant::now() < deadline, "{id}: {:?} {:?}", document.status(), *link.borrow());
        if matches!(*link.borrow(), LinkState::Offline { .. }) {
            relay.cut_after(ways, None);
            cut = true;
            client.wake();
        }
        if typed < 3 && document.edit(&insert(typed)).is_ok() {
            typed += 1;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let url = format!("ws://{server}/v1/socket");
    let reader =
        NativeClient::connect(&url, format!("dev:reader-of-{id}").as_str(), NativeSettings::default()).unwrap();
    let page = reader.open(id.parse().unwrap(), "").unwrap();
    tokio::time::timeout(PATIENCE, page.opened()).await.unwrap().unwrap();
    assert_eq!((page.text().as_str(), document.text().as_str()), ("012", "012"), "{id}");
    cut
}

fn insert(at: u32) -> Operation {
    Operation::builder().retain(Utf16Length(at)).insert(&at.to_string()).build()
}

/// Every thirteenth byte, or every one with `COWRITE_EVERY_BYTE` set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a3_a_stream_cut_within_its_frames_ends_with_one_text() {
    let server = ServerProcess::with_flags(&["--memory", "--connections", "1000", "--strangers", "1000"]);
    let step = if std::env::var_os("COWRITE_EVERY_BYTE").is_some() { 1 } else { 13 };
    for ways in [Ways::Up, Ways::Down] {
        let (mut next, mut went_through) = (1, 0);
        while went_through == 0 {
            let pages = (0..AT_ONCE).map(|page| cut_at_byte(server.address(), ways, next + page * step));
            went_through = futures_util::future::join_all(pages).await.iter().filter(|cut| !**cut).count();
            next += AT_ONCE * step;
        }
        println!("{ways:?}: {next} bytes");
        // The upgrade alone has more than two hundred.
        assert!(next > 300, "{next}");
    }
}
