//! What was accepted survives how a server ends.

use cowrite_protocol::frame::{Code, ServerFrame};

use crate::peer::{Farewell, Peer};
use crate::typist::{Typist, all_is_there_once};
use cowrite_tests::process::Place;
use cowrite_tests::raw::RawClient;
use cowrite_tests::server::ServerProcess;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_write_one_document() {
    let place = Place::new();
    let server = ServerProcess::on_disk(&place.path("data"), &[]);
    let mut ada = Typist::sit_down(&server.url(), "novel", 0).await;
    let mut grace = Typist::sit_down(&server.url(), "novel", 1).await;
    tokio::join!(ada.type_to(300, 30), grace.type_to(300, 30));
    all_is_there_once(&[ada, grace], &server.url(), "novel").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_has_lost_nothing_and_doubled_nothing() {
    const TYPISTS: u32 = 4;
    let place = Place::new();
    let data = place.path("data");
    // Few entries a snapshot, so that a kill meets snapshots and trims as well.
    let flags = ["--snapshot-entries", "50", "--retained-entries", "200"];
    let mut server = ServerProcess::on_disk(&data, &flags);
    let url = server.url();
    let mut typists = Vec::new();
    for number in 0..TYPISTS {
        typists.push(Typist::sit_down(&url, "novel", number).await);
    }
    for kill in 1..=3 {
        let mut watcher = Peer::greeted(server.address(), "watcher").await;
        watcher.open("novel").await;
        let typing = typists.into_iter().map(|mut typist| {
            tokio::spawn(async move {
                typist.type_to(kill * 150, 4).await;
                typist
            })
        });
        let typing: Vec<_> = typing.collect();
        // In the midst of it: what several people typed is there, and much is not.
        let mut commits = 0;
        while commits < 40 {
            commits += watcher
                .hear(|frame| match frame {
                    ServerFrame::Commit(_) | ServerFrame::CommitStill(_) | ServerFrame::CommitCursor { .. } => Some(1),
                    _ => None,
                })
                .await;
        }
        server.restart();
        typists = Vec::new();
        for typist in typing {
            typists.push(typist.await.unwrap());
        }
    }
    all_is_there_once(&typists, &url, "novel").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b4_a_server_that_is_asked_to_end_settles_what_it_took() {
    let place = Place::new();
    let data = place.path("data");
    let flags = ["--spread-ms", "200"];
    let mut server = ServerProcess::on_disk(&data, &flags);
    let (address, url) = (server.address(), server.url());
    let mut typists = Vec::new();
    for number in 0..3 {
        typists.push(Typist::sit_down(&url, "novel", number).await);
    }
    let mut watcher = Peer::greeted(address, "watcher").await;
    watcher.open("novel").await;
    let typing: Vec<_> = typists
        .into_iter()
        .map(|mut typist| {
            tokio::spawn(async move {
                typist.type_to(300, 20).await;
                typist
            })
        })
        .collect();
    watcher.hear(|frame| matches!(frame, ServerFrame::Commit(_) | ServerFrame::CommitStill(_)).then_some(())).await;
    server.terminate();
    let spread =
        watcher.hear(|frame| if let ServerFrame::GoAway { spread_ms } = frame { Some(*spread_ms) } else { None });
    assert_eq!(spread.await, 200);
    let farewell = watcher.farewell().await;
    assert_eq!(farewell, Farewell { code: Code::GoingAway, retry_after_ms: 200, close_code: Some(4_033) });
    let (code, log) = server.wait();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");

    server.restart();
    let mut typists = Vec::new();
    for typist in typing {
        typists.push(typist.await.unwrap());
    }
    all_is_there_once(&typists, &server.url(), "novel").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_taken_after_the_farewell() {
    let place = Place::new();
    let mut server = ServerProcess::on_disk(&place.path("data"), &["--spread-ms", "300"]);
    let mut peer = Peer::greeted(server.address(), "late").await;
    let channel = peer.open("page").await;
    let operation = crate::peer::packed(&crate::typist::insert(0, "x"));
    assert_eq!(peer.submit(channel, 1, 0, &operation).await, None);
    server.terminate();
    peer.hear(|frame| matches!(frame, ServerFrame::GoAway { .. }).then_some(())).await;
    peer.say(&[crate::peer::submit(channel, 2, 1, &operation)]).await;
    assert_eq!(peer.farewell().await.code, Code::GoingAway);
    assert_eq!(server.wait().0, Some(0));

    server.restart();
    let mut reader = Peer::greeted(server.address(), "reader").await;
    reader.open("page").await;
    let version = reader.hear(|frame| match frame {
        ServerFrame::Snapshot(snapshot) => Some(snapshot.version.get()),
        _ => None,
    });
    assert_eq!(version.await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a20_a_server_that_has_forgotten_what_it_refused_takes_the_next_number() {
    let place = Place::new();
    let mut server = ServerProcess::on_disk(&place.path("data"), &[]);
    let id = cowrite_protocol::ClientId::from_bytes([7; 16]);
    let write = |text: &str| crate::peer::packed(&crate::typist::insert(0, text));
    let mut peer = RawClient::greeted(server.address(), "dev:ann").await;
    let channel = peer.open_as("page", Some(id)).await.unwrap().channel;
    assert_eq!(peer.submit(channel, 1, 0, &write("a")).await, None);
    let past_end = crate::peer::packed(&crate::typist::insert(9, "x"));
    for seq in [2, 3] {
        assert_eq!(peer.submit(channel, seq, 1, &past_end).await, Some(Code::PastEnd));
    }
    server.kill_9();
    server.restart();
    let mut peer = RawClient::greeted(server.address(), "dev:ann").await;
    let opened = peer.open_as("page", Some(id)).await.unwrap();
    // What was refused is in no log.
    assert_eq!(opened.last_seq.get(), 1);
    assert_eq!(peer.submit(opened.channel, 4, 1, &write("b")).await, None);
    assert_eq!(peer.submit(opened.channel, 5, 2, &write("c")).await, None);
    let witness = Typist::sit_down(&server.url(), "page", 1).await;
    assert_eq!(witness.text_at(3).await, "cba");
}

/// Rooms are forgotten and made all the time, while people come and go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b8_a_room_that_is_forgotten_at_once_is_never_there_twice() {
    let place = Place::new();
    let server = ServerProcess::on_disk(&place.path("data"), &["--idle-ms", "0"]);
    let url = server.url();
    let people: Vec<_> = (0..3)
        .map(|number| {
            let url = url.clone();
            tokio::spawn(async move {
                for round in 0..40 {
                    let mut peer = Peer::greeted(url_address(&url), &format!("p{number}")).await;
                    let channel = peer.open("hall").await;
                    // A room that was just made knows nothing older than its snapshot.
                    let version = peer.hear(|frame| match frame {
                        ServerFrame::Snapshot(snapshot) => Some(snapshot.version.get()),
                        _ => None,
                    });
                    let version = version.await;
                    let text = crate::peer::packed(&crate::typist::insert(0, "x"));
                    let refused = peer.submit(channel, 1, version, &text).await;
                    assert_eq!(refused, None, "round {round}");
                    if round % 2 == 0 {
                        peer.say(&[cowrite_protocol::frame::ClientFrame::Close { channel }]).await;
                    }
                }
            })
        })
        .collect();
    for person in people {
        person.await.unwrap();
    }
    let witness = Typist::sit_down(&url, "hall", 99).await;
    assert_eq!(witness.text_at(120).await, "x".repeat(120));
}

fn url_address(url: &str) -> std::net::SocketAddr {
    url.strip_prefix("ws://").and_then(|rest| rest.strip_suffix("/v1/socket")).unwrap().parse().unwrap()
}
