//! Connections that do nothing, for as long as somebody wants to look at the server.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cowrite_protocol::codec::decode_server;
use cowrite_protocol::frame::ServerFrame;
use cowrite_tests::raw::{RawClient, RawSocket, WsFrame};
use cowrite_tests::server::mint;
use futures_util::future::{join_all, pending};
use serde_json::Value;

use super::scenario::Scenario;

/// Connections that are made at the same time.
const AT_ONCE: usize = 64;
/// Connections of one address of the machine, of the 28,000 that Linux has ports for.
const OF_AN_ADDRESS: usize = 8_000;

/// Opens its connections, each with a token of a user of its own and one document, says `holding`, and stays until it
/// is ended. Says `heard` at the first edit of somebody else, and fails if a connection is lost.
pub(super) async fn hold(scenario: &Scenario) -> Value {
    let numbers: Vec<usize> = (scenario.from..scenario.from + scenario.connections).collect();
    let mut clients = Vec::new();
    for some in numbers.chunks(AT_ONCE) {
        clients.extend(join_all(some.iter().map(|number| open(scenario, *number))).await);
    }
    let heard = Arc::new(AtomicBool::new(false));
    for client in clients {
        let heard = Arc::clone(&heard);
        drop(tokio::spawn(async move {
            let Err(lost) = read(client, &heard).await;
            eprintln!("{lost}");
            std::process::exit(1);
        }));
    }
    println!("holding");
    pending().await
}

async fn open(scenario: &Scenario, number: usize) -> RawClient {
    let source = Ipv4Addr::new(127, 0, 0, 2 + u8::try_from(number / OF_AN_ADDRESS).expect("few addresses"));
    let socket = RawSocket::connect_from(source, scenario.address()).await;
    let mut client = RawClient::on(socket).greet(&mint(&format!("u{number}"), &[("*", "editor")])).await;
    client.open(&format!("d{}", number % scenario.documents)).await;
    client.goes_on().await.expect("who was let in stays");
    client
}

/// Takes whatever comes.
async fn read(client: RawClient, heard: &AtomicBool) -> Result<Infallible, String> {
    let (mut reader, mut writer) = client.into_halves();
    loop {
        let Some(frame) = reader.wait().await else { return Err("a connection was lost".to_owned()) };
        match frame.opcode {
            8 => return Err(format!("a connection was ended: {:?}", frame.close_code())),
            9 => drop(writer.frame(&WsFrame::of(10, &frame.payload)).await),
            _ if is_edit(&frame.payload) && !heard.swap(true, Ordering::Relaxed) => println!("heard"),
            _ => {}
        }
    }
}

fn is_edit(message: &[u8]) -> bool {
    decode_server(message, usize::MAX).flatten().any(|frame| {
        matches!(
            frame,
            ServerFrame::Commit(_)
                | ServerFrame::CommitStill(_)
                | ServerFrame::CommitCursor { .. }
                | ServerFrame::Entry { .. }
                | ServerFrame::Composed { .. }
        )
    })
}
