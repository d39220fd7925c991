//! The limit: a server that does nothing but pass messages on, on the WebSocket stack of our own.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::routing::any;
use axum::serve::ListenerExt;
use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Who is told of what is sent to a room, by the number of the connection.
type Room = Mutex<HashMap<u64, UnboundedSender<Bytes>>>;

#[derive(Clone, Default)]
struct Rooms(Arc<Mutex<HashMap<String, Arc<Room>>>>);

/// One byte: what its author is told of each message.
const ACK: Bytes = Bytes::from_static(&[0]);

/// Serves for ever: what one connection sends to `/ROOM` is sent to all others of that room, and its
/// author is sent one byte.
pub(crate) async fn serve(port: u16) {
    let listener = tokio::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.unwrap();
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    println!("listening");
    let router = Router::new().route("/{room}", any(enter)).with_state(Rooms::default());
    axum::serve(listener, router).await.unwrap();
}

async fn enter(
    upgrade: WebSocketUpgrade,
    Path(room): Path<String>,
    State(rooms): State<Rooms>,
) -> axum::response::Response {
    let room = Arc::clone(rooms.0.lock().unwrap().entry(room).or_default());
    // As our own server sets them.
    upgrade
        .read_buffer_size(2 << 10)
        .write_buffer_size(16 << 10)
        .max_write_buffer_size(1 << 20)
        .on_upgrade(move |socket| async move { drop(tokio::spawn(relay(socket, room))) })
}

async fn relay(mut socket: WebSocket, room: Arc<Room>) {
    let (own, mut queue) = unbounded_channel();
    let number = {
        let mut room = room.lock().unwrap();
        let number = room.keys().max().map_or(0, |last| last + 1);
        room.insert(number, own);
        number
    };
    while pass(&mut socket, &mut queue, &room, number).await.is_some() {}
    room.lock().unwrap().remove(&number);
}

/// Takes one message from either side; `None` at the end.
async fn pass(socket: &mut WebSocket, queue: &mut UnboundedReceiver<Bytes>, room: &Room, number: u64) -> Option<()> {
    tokio::select! {
        message = socket.next() => match message?.ok()? {
            Message::Binary(bytes) => {
                for (other, queue) in room.lock().unwrap().iter() {
                    let said = if *other == number { ACK } else { bytes.clone() };
                    // Who is gone is taken out by its own task.
                    let _ = queue.send(said);
                }
                Some(())
            }
            Message::Close(_) => None,
            _ => Some(()),
        },
        first = queue.recv() => {
            // All that waits goes out by one write.
            socket.feed(Message::Binary(first?)).await.ok()?;
            while let Some(next) = queue.recv().now_or_never() {
                socket.feed(Message::Binary(next?)).await.ok()?;
            }
            socket.flush().await.ok()
        }
    }
}
