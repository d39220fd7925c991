//! One connection through a relay.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;

use super::catch::{Then, Trap, Traps};
use super::pump::{Ended, Gate, pump};
use super::resp::{Messages, is_push};
use super::weather::{Way, Weather};

/// How a test ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// RST to both.
    Cut,
    /// FIN to both.
    Fin,
}

/// A connection from `near`, who has called, to `far`.
pub(super) struct Link {
    pub(super) near: TcpStream,
    pub(super) far: TcpStream,
    pub(super) weather: watch::Receiver<Weather>,
    pub(super) order: watch::Receiver<Option<Order>>,
    /// Only with Redis at the far end.
    pub(super) traps: Option<Traps>,
}

/// How it ended.
enum Outcome {
    Closed,
    Cut,
    Held(Vec<u8>, Trap),
}

/// Who waits for a reply to be lost.
type Losing = Arc<Mutex<Option<(u64, Trap)>>>;

impl Link {
    /// Serves the connection until it ends.
    pub(super) async fn run(self) {
        let Link { near, far, weather, mut order, traps } = self;
        // Latency is the weather's, not Nagle's.
        let _ = (near.set_nodelay(true), far.set_nodelay(true));
        let (mut near_read, mut near_write) = near.into_split();
        let (mut far_read, mut far_write) = far.into_split();
        let losing = Losing::default();
        let mut up = Requests { traps: traps.clone(), losing: losing.clone(), messages: Messages::default(), count: 0 };
        let mut down = Replies { redis: traps.is_some(), losing, messages: Messages::default(), count: 0 };
        let outcome = {
            let up = pump(&mut near_read, &mut far_write, Way::Up, weather.clone(), &mut up);
            let down = pump(&mut far_read, &mut near_write, Way::Down, weather, &mut down);
            tokio::select! {
                outcome = both(up, down) => outcome,
                order = order.wait_for(Option::is_some) => match order.as_deref() {
                    Ok(Some(Order::Fin)) => Outcome::Closed,
                    _ => Outcome::Cut,
                },
            }
        };
        match outcome {
            // Dropping a writing half closes it in order.
            Outcome::Closed => {}
            Outcome::Cut => {
                reset(near_read, near_write);
                reset(far_read, far_write);
            }
            Outcome::Held(request, trap) => {
                reset(near_read, near_write);
                trap.caught.send_replace(true);
                if trap.then == Then::LoseRequest {
                    reset(far_read, far_write);
                } else {
                    hold(request, trap, far_read, far_write).await;
                }
            }
        }
    }
}

/// Both directions to their ends, or to where one stops the link.
async fn both(
    up: impl Future<Output = Result<Ended, Outcome>>,
    down: impl Future<Output = Result<Ended, Outcome>>,
) -> Outcome {
    let in_order = |ended: Result<Ended, Outcome>| match ended {
        Ok(Ended::Closed) => Ok(()),
        Ok(Ended::Reset) => Err(Outcome::Cut),
        Err(outcome) => Err(outcome),
    };
    let both = async { tokio::try_join!(async { in_order(up.await) }, async { in_order(down.await) }) };
    match both.await {
        Ok(((), ())) => Outcome::Closed,
        Err(outcome) => outcome,
    }
}

/// Keeps the request until it is released, and hears the reply in its sender's place.
async fn hold(request: Vec<u8>, trap: Trap, mut read: OwnedReadHalf, mut write: OwnedWriteHalf) {
    // Replies to requests before it come first, and are nobody's now.
    let mut buffer = vec![0; 64 << 10];
    let drained = async { while read.read(&mut buffer).await.is_ok_and(|bytes| bytes > 0) {} };
    tokio::select! {
        released = trap.release => if released.is_err() { return },
        () = drained => return,
    }
    if write.write_all(&request).await.is_err() {
        return;
    }
    let mut replies = Messages::default();
    loop {
        while let Some(reply) = replies.take() {
            if !is_push(&reply) {
                // Whoever released it waits, or has given up.
                let _ = trap.reply.send(reply).await;
                return;
            }
        }
        match read.read(&mut buffer).await {
            Ok(bytes) if bytes > 0 => replies.add(&buffer[..bytes]),
            _ => return,
        }
    }
}

fn reset(read: OwnedReadHalf, write: OwnedWriteHalf) {
    // Without waiting for what was sent, the system sends RST.
    let _ = read.as_ref().set_zero_linger();
    write.forget();
}

/// What goes up.
struct Requests {
    traps: Option<Traps>,
    losing: Losing,
    messages: Messages,
    count: u64,
}

impl Gate for Requests {
    type Stop = Outcome;

    fn pass(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>, Outcome> {
        let Some(traps) = &self.traps else { return Ok(bytes) };
        self.messages.add(&bytes);
        let mut whole = Vec::new();
        while let Some(request) = self.messages.take() {
            self.count += 1;
            match traps.spring(&request) {
                Some(trap) if trap.then == Then::LoseReply => {
                    *self.losing.lock().unwrap_or_else(PoisonError::into_inner) = Some((self.count, trap));
                }
                Some(trap) => return Err(Outcome::Held(request, trap)),
                None => {}
            }
            whole.extend(request);
        }
        Ok(whole)
    }
}

/// What comes down.
struct Replies {
    redis: bool,
    losing: Losing,
    messages: Messages,
    count: u64,
}

impl Gate for Replies {
    type Stop = Outcome;

    fn pass(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>, Outcome> {
        if !self.redis {
            return Ok(bytes);
        }
        self.messages.add(&bytes);
        let mut whole = Vec::new();
        while let Some(reply) = self.messages.take() {
            self.count += u64::from(!is_push(&reply));
            let mut losing = self.losing.lock().unwrap_or_else(PoisonError::into_inner);
            if losing.as_ref().is_some_and(|(number, _)| *number == self.count) {
                if let Some((_, trap)) = losing.take() {
                    trap.caught.send_replace(true);
                }
                return Err(Outcome::Cut);
            }
            whole.extend(reply);
        }
        Ok(whole)
    }
}
