//! What people see of it, at the sockets of real servers.

use std::time::{Duration, Instant};

use cowrite_protocol::codec::{decode_server, encode_client};
use cowrite_protocol::frame::{ClientFrame, Code, ProtocolVersion, ServerFrame};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::ServerProcess;
use futures_util::future::join_all;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::http::{KEY, ask};

/// Long enough for anything that comes at all.
const PATIENCE: Duration = Duration::from_secs(20);

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// The code and time to wait with which it is not let in.
    async fn of(server: &ServerProcess, user: &str) -> Result<Socket, (Code, u32)> {
        let mut request = server.url().into_client_request().unwrap();
        let subprotocol = HeaderValue::from_static(ProtocolVersion::SUBPROTOCOL);
        request.headers_mut().insert("sec-websocket-protocol", subprotocol);
        let mut socket = Socket(connect_async(request).await.unwrap().0);
        let (oldest, newest) = (ProtocolVersion::OLDEST, ProtocolVersion::NEWEST);
        let token = format!("dev:{user}");
        let mut bytes = Vec::new();
        encode_client(&ClientFrame::Hello { oldest, newest, token: &token }, &mut bytes);
        socket.0.send(Message::Binary(bytes.into())).await.unwrap();
        let answer = socket
            .hear(|frame| match frame {
                ServerFrame::Welcome(_) => Some(Ok(())),
                ServerFrame::Error { code, retry_after_ms, .. } => Some(Err((*code, *retry_after_ms))),
                _ => None,
            })
            .await;
        answer.map(|()| socket)
    }

    /// The code with which it is ended.
    async fn end(&mut self) -> Code {
        let code = |frame: &ServerFrame<'_>| match frame {
            ServerFrame::Error { code, .. } => Some(*code),
            _ => None,
        };
        self.hear(code).await
    }

    async fn hear<T>(&mut self, wanted: impl Fn(&ServerFrame<'_>) -> Option<T>) -> T {
        let heard = timeout(PATIENCE, async {
            loop {
                let Message::Binary(bytes) = self.0.next().await.expect("it ends without a word").unwrap() else {
                    continue;
                };
                for frame in decode_server(&bytes, bytes.len()) {
                    if let Some(found) = wanted(&frame.unwrap()) {
                        return found;
                    }
                }
            }
        });
        heard.await.expect("it is never said")
    }
}

fn server(redis: &RedisProcess) -> ServerProcess {
    ServerProcess::with_flags(&["--redis", &redis.url(), "--api-key", KEY])
}

/// With the real times, so this takes half a minute.
#[tokio::test]
async fn f5_a_user_has_ten_sockets_over_two_servers_also_after_one_is_killed() {
    let redis = RedisProcess::start(&[]);
    let (mut one, two) = (server(&redis), server(&redis));
    let at_one = join_all((0..8).map(|_| Socket::of(&one, "ada"))).await;
    assert!(at_one.iter().all(Result::is_ok));
    let at_two = join_all((0..8).map(|_| Socket::of(&two, "ada"))).await;
    assert_eq!(at_two.iter().filter(|socket| socket.is_ok()).count(), 2);
    for refused in at_two.iter().filter_map(|socket| socket.as_ref().err()) {
        assert_eq!(refused.0, Code::TooManyConnections);
        assert!((1_000..=30_000).contains(&refused.1), "{refused:?}");
    }
    assert!(Socket::of(&two, "bob").await.is_ok());
    one.kill_9();
    let start = Instant::now();
    let mut back = Vec::new();
    while back.len() < 8 {
        match Socket::of(&two, "ada").await {
            Ok(socket) => back.push(socket),
            // As a client does.
            Err((_, retry_after_ms)) => {
                assert!(start.elapsed() < Duration::from_secs(31), "{} are back", back.len());
                tokio::time::sleep(Duration::from_millis(retry_after_ms.into())).await;
            }
        }
    }
    println!("all eight are back {:?} after the kill", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(33));
    assert!(Socket::of(&two, "ada").await.is_err());
}

#[tokio::test]
async fn e4_a_revoked_user_is_out_at_all_servers_within_a_second() {
    let redis = RedisProcess::start(&[]);
    let (one, two) = (server(&redis), server(&redis));
    let mut times = Vec::new();
    for number in 0..10 {
        let name = format!("user-{number}");
        let mut there = Socket::of(&two, &name).await.ok().unwrap();
        let mut here = Socket::of(&one, &name).await.ok().unwrap();
        let mut bystander = Socket::of(&two, &format!("other-{number}")).await.ok().unwrap();
        let start = Instant::now();
        let body = json!({ "user": name }).to_string();
        let (status, answer) = ask(one.address(), "POST", Some(KEY), &body).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(there.end().await, Code::TokenRevoked);
        times.push(start.elapsed());
        assert_eq!(here.end().await, Code::TokenRevoked);
        for server in [&one, &two] {
            let refused = Socket::of(server, &name).await.err();
            assert_eq!(refused.map(|(code, _)| code), Some(Code::TokenRevoked));
        }
        assert!(timeout(Duration::from_millis(50), bystander.end()).await.is_err());
    }
    times.sort();
    println!("from asked to closed at the other server: median {:?}, longest {:?}", times[5], times[9]);
    assert!(times[9] < Duration::from_secs(1), "{times:?}");
}
