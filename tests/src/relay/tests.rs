//! Relays between plain sockets, and to a Redis.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::{Live, Relay, Then, Ways};
use crate::process::free_port;
use crate::redis::RedisProcess;

const PATIENCE: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_millis(60);

/// Both ends of a connection through a relay.
struct Pair {
    relay: Relay,
    _listener: TcpListener,
    near: TcpStream,
    far: TcpStream,
}

async fn pair() -> Pair {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = Relay::to(listener.local_addr().unwrap());
    let near = TcpStream::connect(relay.address()).await.unwrap();
    let (far, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    Pair { relay, _listener: listener, near, far }
}

async fn hear(stream: &mut TcpStream, text: &str) {
    let mut heard = vec![0; text.len()];
    timeout(PATIENCE, stream.read_exact(&mut heard)).await.expect("it comes").unwrap();
    assert_eq!(heard, text.as_bytes());
}

async fn hear_nothing(stream: &mut TcpStream) {
    let heard = timeout(MOMENT, stream.read_u8()).await;
    assert!(heard.is_err(), "{heard:?}");
}

/// How a stream ends: whether in order.
async fn ending(stream: &mut TcpStream) -> bool {
    timeout(PATIENCE, stream.read(&mut [0; 16])).await.expect("it ends").is_ok_and(|bytes| bytes == 0)
}

#[tokio::test]
async fn what_is_said_on_one_side_is_heard_on_the_other() {
    let Pair { relay, mut near, mut far, .. } = pair().await;
    near.write_all(b"up").await.unwrap();
    hear(&mut far, "up").await;
    far.write_all(b"down").await.unwrap();
    hear(&mut near, "down").await;
    assert_eq!((relay.connections(), relay.accepted()), (1, 1));
    // One side may end before the other.
    near.shutdown().await.unwrap();
    assert!(ending(&mut far).await);
    far.write_all(b"still").await.unwrap();
    hear(&mut near, "still").await;
    drop(far);
    assert!(ending(&mut near).await);
}

#[tokio::test]
async fn a_cut_is_seen_as_one_and_an_end_as_an_end() {
    let mut cut = pair().await;
    cut.relay.cut();
    assert!(!ending(&mut cut.near).await && !ending(&mut cut.far).await);
    let mut fin = pair().await;
    fin.relay.fin();
    assert!(ending(&mut fin.near).await && ending(&mut fin.far).await);
    assert_eq!(fin.relay.connections(), 0);
}

#[tokio::test]
async fn a_hole_swallows_one_way_until_it_is_healed() {
    let Pair { relay, mut near, mut far, .. } = pair().await;
    relay.hole(Ways::Up);
    near.write_all(b"late").await.unwrap();
    near.shutdown().await.unwrap();
    hear_nothing(&mut far).await;
    far.write_all(b"down").await.unwrap();
    hear(&mut near, "down").await;
    relay.heal();
    hear(&mut far, "late").await;
    assert!(ending(&mut far).await);
}

#[tokio::test]
async fn what_fell_into_a_hole_never_arrives_after_a_cut() {
    let Pair { relay, mut near, mut far, .. } = pair().await;
    relay.hole(Ways::Both);
    near.write_all(b"lost").await.unwrap();
    hear_nothing(&mut far).await;
    relay.cut();
    relay.heal();
    assert!(!ending(&mut far).await);
}

#[tokio::test]
async fn delay_and_rate_are_felt_one_way() {
    let Pair { relay, mut near, mut far, .. } = pair().await;
    relay.delay(Ways::Down, Duration::from_millis(150));
    relay.rate(Ways::Up, Some(1_000));
    let start = Instant::now();
    far.write_all(b"slow").await.unwrap();
    hear(&mut near, "slow").await;
    assert!(start.elapsed() >= Duration::from_millis(150), "{:?}", start.elapsed());
    let start = Instant::now();
    let text = "x".repeat(200);
    near.write_all(text.as_bytes()).await.unwrap();
    hear(&mut far, &text).await;
    assert!(start.elapsed() >= Duration::from_millis(140), "{:?}", start.elapsed());
}

#[tokio::test]
async fn what_comes_within_a_while_is_passed_on_at_once_and_whole_to_its_end() {
    let Pair { relay, mut near, mut far, .. } = pair().await;
    relay.gather(Ways::Up, MOMENT);
    let start = Instant::now();
    near.write_all(b"one").await.unwrap();
    tokio::time::sleep(MOMENT / 3).await;
    near.write_all(b"two").await.unwrap();
    hear(&mut far, "onetwo").await;
    assert!(start.elapsed() >= MOMENT && start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    relay.split(Ways::Up, Some(1));
    near.write_all(b"three").await.unwrap();
    near.shutdown().await.unwrap();
    hear(&mut far, "three").await;
    assert!(ending(&mut far).await);
}

#[tokio::test]
async fn a_link_that_carries_nothing_is_ended_and_another_is_not() {
    let mut pair = pair().await;
    let idle = 4 * MOMENT;
    pair.relay.end_idle(Some(idle));
    let start = Instant::now();
    // Whichever side it comes from.
    for _ in 0..3 {
        tokio::time::sleep(idle / 3).await;
        pair.near.write_all(b"up").await.unwrap();
        tokio::time::sleep(idle / 3).await;
        pair.far.write_all(b"down").await.unwrap();
    }
    hear(&mut pair.far, "upupup").await;
    let last = Instant::now();
    hear(&mut pair.near, "downdowndown").await;
    assert!(start.elapsed() > idle);
    assert!(ending(&mut pair.near).await && ending(&mut pair.far).await);
    assert!(last.elapsed() >= idle / 2, "{:?}", last.elapsed());
}

#[tokio::test]
async fn a_closed_port_refuses_and_leaves_who_is_there() {
    let Pair { relay, mut near, mut far, _listener } = pair().await;
    relay.close_port();
    let refused = TcpStream::connect(relay.address()).await;
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    near.write_all(b"here").await.unwrap();
    hear(&mut far, "here").await;
    relay.reopen_port();
    TcpStream::connect(relay.address()).await.unwrap();
}

#[tokio::test]
async fn each_new_connection_goes_to_the_next_one_that_is_there() {
    let (one, two) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let dead = ([127, 0, 0, 1], free_port()).into();
    let relay = Relay::to_any(&[one.local_addr().unwrap(), dead, two.local_addr().unwrap()]);
    let mut streams = Vec::new();
    for expected in [&one, &two, &two, &one] {
        streams.push(TcpStream::connect(relay.address()).await.unwrap());
        let accepted = timeout(PATIENCE, expected.accept()).await;
        streams.push(accepted.expect("it comes here").unwrap().0);
    }
    relay.retarget(&[dead]);
    // It may be reset before it is known to be there.
    if let Ok(mut stream) = TcpStream::connect(relay.address()).await {
        assert!(!ending(&mut stream).await);
    }
}

/// One command on a connection of its own.
async fn ask(relay: &Relay, words: &'static [&str]) -> redis::RedisResult<redis::Value> {
    let client = redis::Client::open(format!("redis://{}", relay.address())).unwrap();
    let settings = redis::AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
    let mut connection = client.get_multiplexed_async_connection_with_config(&settings).await?;
    redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await
}

#[tokio::test]
async fn a_lost_reply_belongs_to_a_request_that_was_carried_out() {
    let redis = RedisProcess::start(&[]);
    let relay = Relay::to_redis(redis.address());
    let mut caught = relay.catch(b"INCR", Then::LoseReply);
    ask(&relay, &["SET", "count", "1"]).await.unwrap();
    assert!(!caught.is_caught());
    assert!(ask(&relay, &["INCR", "count"]).await.is_err());
    caught.caught(PATIENCE).await;
    assert_eq!(redis.text(&["GET", "count"]), "2");
    // It was one trap, for one request.
    ask(&relay, &["INCR", "count"]).await.unwrap();
    assert_eq!(redis.text(&["GET", "count"]), "3");
}

#[tokio::test]
async fn a_reply_is_lost_and_those_before_it_are_not() {
    let redis = RedisProcess::start(&[]);
    let relay = Relay::to_redis(redis.address());
    let _caught = relay.catch(b"third", Then::LoseReply);
    let mut stream = TcpStream::connect(relay.address()).await.unwrap();
    stream.write_all(b"PING first\r\nPING second\r\nPING third\r\nPING fourth\r\n").await.unwrap();
    let mut heard = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut heard)).await.unwrap();
    assert!(ended.is_err() || heard.len() < 30, "it is cut");
    let heard = String::from_utf8(heard).unwrap();
    assert!(!heard.contains("third") && !heard.contains("fourth"), "{heard}");
}

#[tokio::test]
async fn a_held_request_arrives_after_its_retry() {
    let redis = RedisProcess::start(&[]);
    let relay = Relay::to_redis(redis.address());
    let mut caught = relay.catch(b"INCR", Then::HoldRequest);
    assert!(ask(&relay, &["INCR", "count"]).await.is_err());
    caught.caught(PATIENCE).await;
    assert_eq!(redis.text(&["EXISTS", "count"]), "0");
    ask(&relay, &["INCR", "count"]).await.unwrap();
    assert_eq!(caught.release().await, b":2\r\n");
    assert_eq!(redis.text(&["GET", "count"]), "2");
}

#[tokio::test]
async fn a_lost_request_never_arrives() {
    let redis = RedisProcess::start(&[]);
    let relay = Relay::to_redis(redis.address());
    let mut caught = relay.catch(b"INCR", Then::LoseRequest);
    assert!(ask(&relay, &["INCR", "count"]).await.is_err());
    caught.caught(PATIENCE).await;
    ask(&relay, &["INCR", "count"]).await.unwrap();
    assert_eq!(redis.text(&["GET", "count"]), "1");
}

#[tokio::test]
async fn a_request_is_answered_by_somebody_else() {
    let redis = RedisProcess::start(&[]);
    let relay = Relay::to_redis(redis.address());
    let refusal = b"-OOM no memory\r\n".to_vec();
    let mut caught = relay.catch(b"INCR", Then::Answer(refusal.clone()));
    let mut stream = TcpStream::connect(relay.address()).await.unwrap();
    stream.write_all(b"PING first\r\nINCR count\r\nPING last\r\n").await.unwrap();
    hear(&mut stream, "$5\r\nfirst\r\n-OOM no memory\r\n$4\r\nlast\r\n").await;
    caught.caught(PATIENCE).await;
    assert_eq!(redis.text(&["EXISTS", "count"]), "0");
    let mut caught = relay.catch(b"INCR", Then::AnswerAfterwards(refusal));
    stream.write_all(b"INCR count\r\nPING last\r\n").await.unwrap();
    hear(&mut stream, "-OOM no memory\r\n$4\r\nlast\r\n").await;
    caught.caught(PATIENCE).await;
    assert_eq!(redis.text(&["GET", "count"]), "1");
}

#[tokio::test]
async fn what_is_published_is_lost_doubled_and_swapped() {
    let redis = RedisProcess::start(&[]);
    let relay = Relay::to_redis(redis.address());
    let mut stream = TcpStream::connect(relay.address()).await.unwrap();
    stream.write_all(b"HELLO 3\r\n*2\r\n$10\r\nSSUBSCRIBE\r\n$1\r\na\r\nGET b\r\n").await.unwrap();
    let mut heard = Vec::new();
    while !heard.ends_with(b"_\r\n") {
        heard.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    let say = |text: &'static str| redis.command(&["SPUBLISH", "a", text]);
    let message = |text: &str| format!(">3\r\n$8\r\nsmessage\r\n$1\r\na\r\n$1\r\n{text}\r\n");
    relay.live(Live::Lost);
    say("1");
    stream.write_all(b"GET b\r\n").await.unwrap();
    hear(&mut stream, "_\r\n").await;
    relay.live(Live::Doubled);
    say("2");
    hear(&mut stream, &[message("2"), message("2")].concat()).await;
    relay.live(Live::Swapped);
    say("3");
    say("4");
    hear(&mut stream, &[message("4"), message("3")].concat()).await;
    relay.live(Live::Whole);
    say("5");
    hear(&mut stream, &message("5")).await;
    // A trap still knows which reply is meant.
    let _caught = relay.catch(b"GET", Then::Answer(b"+c\r\n".to_vec()));
    stream.write_all(b"PING d\r\nGET b\r\n").await.unwrap();
    hear(&mut stream, "$1\r\nd\r\n+c\r\n").await;
}
