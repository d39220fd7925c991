//! Whatever a client sends: a typed answer, and nobody else notices.

use cowrite_protocol::frame::{ClientFrame, Code, MemberChange, Packed, ProtocolVersion, ServerFrame};
use cowrite_protocol::operation::OperationBuilder;
use cowrite_protocol::{Channel, ClientSeq, Utf16Length};
use tokio_tungstenite::tungstenite::Message;

use crate::peer::{Farewell, Peer, hello, open, packed, submit};
use crate::typist::{Typist, all_is_there_once, insert};
use cowrite_tests::process::Place;
use cowrite_tests::server::ServerProcess;

/// A server with two people at work, to whom nothing of all this may matter.
struct Office {
    _place: Place,
    server: ServerProcess,
    people: Vec<Typist>,
}

impl Office {
    async fn open(flags: &[&str]) -> Office {
        let place = Place::new();
        let server = ServerProcess::on_disk(&place.path("data"), flags);
        let mut people = Vec::new();
        for number in 0..2 {
            people.push(Typist::sit_down(&server.url(), "calm", number).await);
        }
        Office { _place: place, server, people }
    }

    async fn connect(&self) -> Peer {
        Peer::connect(self.server.address()).await
    }

    async fn greeted(&self) -> Peer {
        Peer::greeted(self.server.address(), "mallory").await
    }

    /// They type on; afterwards all of it is there.
    async fn work(mut self) {
        for person in &mut self.people {
            person.type_to(50, 10).await;
        }
        all_is_there_once(&self.people, &self.server.url(), "calm").await;
    }
}

/// Reads to the end of the connection, which must be of this code on both levels.
async fn ends_with(peer: Peer, code: Code) {
    let close_code = Some(cowrite_server::connection::close_code(code));
    assert_eq!(peer.farewell().await, Farewell { code, retry_after_ms: 0, close_code });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_ends_the_connection_with_a_code() {
    let office = Office::open(&[]).await;

    let mut peer = office.greeted().await;
    peer.send(Message::Binary(vec![255, 1, 2].into())).await;
    ends_with(peer, Code::Malformed).await;

    // A frame that is whole, and then half a one.
    let mut peer = office.greeted().await;
    peer.send(Message::Binary(vec![8, 3, 200].into())).await;
    ends_with(peer, Code::Malformed).await;

    let mut peer = office.greeted().await;
    peer.send(Message::text("hello")).await;
    ends_with(peer, Code::Malformed).await;

    let mut peer = office.greeted().await;
    peer.send(Message::Binary(vec![8; (256 << 10) + 1].into())).await;
    ends_with(peer, Code::TooLarge).await;

    // A transfer that announces more than an operation may have.
    let mut peer = office.greeted().await;
    let channel = peer.open("other").await;
    peer.say(&[ClientFrame::Part { channel, total: Some(u32::MAX), bytes: Packed(&[1]) }]).await;
    ends_with(peer, Code::TooLarge).await;

    // A part of nothing.
    let mut peer = office.greeted().await;
    let channel = peer.open("other").await;
    peer.say(&[ClientFrame::Part { channel, total: None, bytes: Packed(&[1]) }]).await;
    ends_with(peer, Code::Malformed).await;

    office.work().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_heard_before_hello() {
    let office = Office::open(&["--hello-ms", "300"]).await;

    let mut peer = office.connect().await;
    peer.say(&[open(1, "calm")]).await;
    ends_with(peer, Code::HelloExpected).await;

    // Behind a Hello that is not answered yet is before it.
    let mut peer = office.connect().await;
    peer.say(&[hello("dev:mallory"), open(1, "calm")]).await;
    ends_with(peer, Code::HelloExpected).await;

    let mut peer = office.greeted().await;
    peer.say(&[hello("dev:mallory")]).await;
    ends_with(peer, Code::HelloExpected).await;

    // Who says nothing is asked to leave, and may come again.
    ends_with(office.connect().await, Code::Silent).await;

    for token in ["", "mallory", "dev:"] {
        let mut peer = office.connect().await;
        peer.say(&[hello(token)]).await;
        ends_with(peer, Code::Unauthorized).await;
    }

    let mut peer = office.connect().await;
    let unknown = ProtocolVersion(ProtocolVersion::NEWEST.0 + 1);
    peer.say(&[ClientFrame::Hello { oldest: unknown, newest: unknown, token: "dev:mallory" }]).await;
    ends_with(peer, Code::VersionNotSpoken).await;

    office.work().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e7_a_channel_that_is_not_there_is_said_to_be_unknown() {
    let office = Office::open(&[]).await;
    let mut peer = office.greeted().await;
    // Also the number under which others have a document open.
    for channel in [Channel(0), Channel(77)] {
        peer.say(&[submit(channel, 1, 0, &packed(&insert(0, "x")))]).await;
        let closed = peer.hear(|frame| match frame {
            ServerFrame::Closed { channel, code, .. } => Some((*channel, *code)),
            _ => None,
        });
        assert_eq!(closed.await, (channel, Code::UnknownChannel));
    }
    // The connection goes on.
    let channel = peer.open("other").await;
    assert_eq!(peer.submit(channel, 1, 0, &packed(&insert(0, "x"))).await, None);
    office.work().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d3_an_edit_that_cannot_be_is_refused_and_the_next_one_taken() {
    let office = Office::open(&["--operation-components", "100"]).await;
    let mut peer = office.greeted().await;
    let channel = peer.open("calm").await;
    // In the very document of the others: version 1 is a clown and an x.
    assert_eq!(peer.submit(channel, 1, 0, &packed(&insert(0, "🤡x"))).await, None);

    let mut seq = 1;
    let mut many = OperationBuilder::default();
    for _ in 0..200 {
        many.delete(Utf16Length(1)).retain(Utf16Length(1));
    }
    let past_end = OperationBuilder::default().retain(Utf16Length(4)).insert("x").build();
    let deletes_past_end = OperationBuilder::default().delete(Utf16Length(9)).build();
    let half = OperationBuilder::default().delete(Utf16Length(1)).build();
    for (base, operation, code) in [
        (1, packed(&past_end), Code::PastEnd),
        (1, packed(&deletes_past_end), Code::PastEnd),
        (1, packed(&insert(1, "x")), Code::SplitsPair),
        (1, packed(&half), Code::SplitsPair),
        (1_000, packed(&insert(0, "x")), Code::BaseAhead),
        (1, vec![255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255], Code::BadOperation),
        (1, packed(&many.build()), Code::OperationTooLarge),
    ] {
        seq += 1;
        assert_eq!(peer.submit(channel, seq, base, &operation).await, Some(code));
        // What was refused consumed its number, and the next one is taken.
        seq += 1;
        assert_eq!(peer.submit(channel, seq, 1, &packed(&insert(3, ""))).await, None, "after {code:?}");
    }

    let jump = seq + ClientSeq::MAX_JUMP + 1;
    assert_eq!(peer.submit(channel, jump, 1, &packed(&insert(0, "x"))).await, Some(Code::SeqJump));
    assert_eq!(peer.submit(channel, seq - 1, 1, &packed(&insert(0, "x"))).await, Some(Code::SeqReused));
    // Committed before: the same answer again, and no second copy.
    assert_eq!(peer.submit(channel, seq, 1, &packed(&insert(0, "x"))).await, None);

    // The others see what was taken of it, a clown and an x, and go on.
    peer.say(&[submit(channel, seq + 1, 1, &packed(&OperationBuilder::default().delete(Utf16Length(3)).build()))])
        .await;
    for person in &office.people {
        assert_eq!(person.text_at(9).await, "", "nine edits were taken, and the last one took all away");
    }
    office.work().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a4_who_gives_no_sign_of_life_is_shown_to_nobody_until_it_does() {
    let place = Place::new();
    let server = ServerProcess::on_disk(&place.path("data"), &["--ping-ms", "200"]);
    let mut watcher = Peer::greeted(server.address(), "watcher").await;
    watcher.open("calm").await;
    let mut mallory = Peer::greeted(server.address(), "mallory").await;
    mallory.open("calm").await;
    let is_mallory = |change: &MemberChange| match change {
        MemberChange::Here(member) if member.user.as_str() == "mallory" => Some(member.number),
        _ => None,
    };
    let comes = |frame: &ServerFrame<'_>| match frame {
        ServerFrame::Members { changes, .. } => changes.iter().find_map(is_mallory),
        _ => None,
    };
    let number = watcher.hear(comes).await;
    // Nobody reads mallory's socket, so nothing answers the server's pings.
    let left = MemberChange::Left(number);
    let leaves = |frame: &ServerFrame<'_>| {
        matches!(frame, ServerFrame::Members { changes, .. } if changes.contains(&left)).then_some(())
    };
    watcher.hear(leaves).await;
    mallory.say(&[ClientFrame::Ping]).await;
    assert_eq!(watcher.hear(comes).await, number);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a4_who_is_not_heard_for_too_long_is_given_up() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let office = Office::open(&["--silence-ms", "600", "--ping-ms", "200", "--hello-ms", "60000"]).await;
    // Who answers no ping: a socket of bytes, which nothing answers by itself.
    let mut stream = tokio::net::TcpStream::connect(office.server.address()).await.unwrap();
    let request = "GET /v1/socket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
        sec-websocket-protocol: cowrite.v1\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut message = vec![0x82, 0x80, 0, 0, 0, 0];
    let mut greeting = Vec::new();
    cowrite_protocol::codec::encode_client(&hello("dev:mallory"), &mut greeting);
    message[1] |= u8::try_from(greeting.len()).unwrap();
    message.extend_from_slice(&greeting);
    stream.write_all(&message).await.unwrap();
    let mut heard = Vec::new();
    let read = tokio::time::timeout(crate::peer::PATIENCE, stream.read_to_end(&mut heard)).await;
    assert!(read.is_ok(), "it is not closed");
    let heard = String::from_utf8_lossy(&heard);
    assert!(heard.contains("101 Switching"), "{heard}");
    assert!(heard.contains("silent"), "{heard}");
    // The two at work were asked for signs of life as well, and gave them.
    office.work().await;
}
