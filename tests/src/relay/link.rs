//! One connection through a relay.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;

use super::catch::{Then, Trap, Traps};
use super::live::Spoiler;
use super::pump::{Course, Ended, Gate, pump};
use super::resp::{Messages, PING, is_push, is_subscription};
use super::traffic::Traffic;
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

/// Replies that are to be lost or replaced, by their number.
#[derive(Clone, Default)]
struct Awaited(Arc<Mutex<VecDeque<(u64, Trap)>>>);

impl Awaited {
    fn add(&self, number: u64, trap: Trap) {
        self.lock().push_back((number, trap));
    }

    fn take(&self, number: u64) -> Option<Trap> {
        let mut awaited = self.lock();
        awaited.pop_front_if(|(first, _)| *first == number).map(|(_, trap)| trap)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(u64, Trap)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    /// Serves the connection until it ends.
    pub(super) async fn run(self) {
        let Link { near, far, weather, mut order, traps } = self;
        // Latency is the weather's, not Nagle's.
        let _ = (near.set_nodelay(true), far.set_nodelay(true));
        let (mut near_read, mut near_write) = near.into_split();
        let (mut far_read, mut far_write) = far.into_split();
        let awaited = Awaited::default();
        let mut up =
            Requests { traps: traps.clone(), awaited: awaited.clone(), messages: Messages::default(), count: 0 };
        let spoiler = traps.is_some().then(|| Spoiler::new(weather.clone()));
        let mut down = Replies { spoiler, awaited, messages: Messages::default(), count: 0 };
        let traffic = Traffic::new();
        let outcome = {
            let course = |way| Course { way, weather: weather.clone(), order: order.clone(), traffic: traffic.clone() };
            let up = pump(&mut near_read, &mut far_write, course(Way::Up), &mut up);
            let down = pump(&mut far_read, &mut near_write, course(Way::Down), &mut down);
            tokio::select! {
                outcome = both(up, down) => outcome,
                () = traffic.has_ceased(weather.clone()) => Outcome::Closed,
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
    awaited: Awaited,
    messages: Messages,
    /// Requests so far, but for those whose reply is a push.
    count: u64,
}

impl Gate for Requests {
    type Stop = Outcome;

    fn pass(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>, Outcome> {
        let Some(traps) = &self.traps else { return Ok(bytes) };
        self.messages.add(&bytes);
        let mut whole = Vec::new();
        while let Some(mut request) = self.messages.take() {
            traps.rewrite(&mut request);
            let trap = traps.spring(&request);
            if matches!(trap, Some(Trap { then: Then::Answer(_), .. })) {
                // Something must be answered in its turn.
                request = PING.to_vec();
            }
            self.count += u64::from(!is_subscription(&request));
            match trap {
                Some(trap) if matches!(trap.then, Then::HoldRequest | Then::LoseRequest) => {
                    return Err(Outcome::Held(request, trap));
                }
                Some(trap) => self.awaited.add(self.count, trap),
                None => {}
            }
            whole.extend(request);
        }
        Ok(whole)
    }
}

/// What comes down.
struct Replies {
    /// Only from Redis.
    spoiler: Option<Spoiler>,
    awaited: Awaited,
    messages: Messages,
    count: u64,
}

impl Gate for Replies {
    type Stop = Outcome;

    fn pass(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>, Outcome> {
        let Some(spoiler) = &mut self.spoiler else { return Ok(bytes) };
        self.messages.add(&bytes);
        let mut whole = Vec::new();
        while let Some(reply) = self.messages.take() {
            if is_push(&reply) {
                spoiler.pass(reply, &mut whole);
                continue;
            }
            self.count += 1;
            let Some(trap) = self.awaited.take(self.count) else {
                whole.extend(reply);
                continue;
            };
            trap.caught.send_replace(true);
            match trap.then {
                Then::Answer(answer) | Then::AnswerAfterwards(answer) => whole.extend(answer),
                _ => return Err(Outcome::Cut),
            }
        }
        Ok(whole)
    }
}
