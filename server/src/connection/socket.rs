//! The task that drives one WebSocket.

mod asking;
mod ending;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use cowrite_protocol::frame::{Code, DurabilityClass};
use cowrite_protocol::{Channel, Limits, Millis};
use futures_util::Stream;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Sleep, sleep_until};
use tracing::Instrument;
use tracing::field::{self, Empty};

use asking::{Questions, answer_of};
use ending::End;
pub use ending::{CLOSE_CODE_BASE, close_code};

use super::registry::{Entry, Registry};
use super::rooms::OpenRooms;
use super::stay::{Stay, let_in, revoked};
use super::writing::Writing;
use super::{Connection, ConnectionOutput, ConnectionSettings};
use crate::arrivals::Arrival;
use crate::auth::{Access, Denied, Identity};
use crate::clock::Clock;
use crate::hub::Hub;
use crate::leases::Leases;
use crate::logging::LoggedUser;
use crate::metrics::{Metrics, Revoked, Trail};
use crate::outbox::Outbox;
use crate::revocations::Revocations;
use crate::room::{ChannelFrame, RoomCommand};

/// What every connection of a server is made with.
pub struct SocketContext {
    /// Who is this, and what may they do.
    pub access: Arc<dyn Access>,
    /// How many connections has whom.
    pub leases: Arc<dyn Leases>,
    /// The rooms.
    pub hub: Hub,
    /// Where connections are counted and told that the server goes down.
    pub registry: Registry,
    /// What was taken back before it ended.
    pub revocations: Revocations,
    /// What a client may ask for.
    pub limits: Limits,
    /// How a connection is treated.
    pub settings: ConnectionSettings,
    /// What "accepted" means here.
    pub durability: DurabilityClass,
    /// The clock of the machines.
    pub clock: Clock,
    /// Where it counts.
    pub metrics: Metrics,
}

/// Bytes of frames that are joined into one message.
const MESSAGE_BYTES: usize = 16 << 10;

/// How long clients are asked to wait when a room could not be reached, in milliseconds.
const RETRY_MS: u32 = 500;

/// Serves one WebSocket until it ends. Its rooms hear of the end on every way out. It keeps
/// its place among the arrivals as long, as a stranger until it is known who it is.
pub fn serve_socket(
    socket: WebSocket,
    context: Arc<SocketContext>,
    arrival: Arc<Arrival>,
) -> impl Future<Output = ()> + Send {
    let outbox = Arc::new(Outbox::new(context.settings.queue_bytes, context.limits.part_bytes as usize));
    let entry = context.registry.enter(&outbox);
    let span = tracing::info_span!("connection", id = entry.id.0, user = Empty);
    let mut task = SocketTask::new(socket, context, outbox, entry, arrival);
    // No `async fn`, which would keep room for its arguments beside the task that they go into; and by
    // reference: a future that is moved into another takes its memory twice.
    async move { task.run().instrument(span).await }
}

struct SocketTask {
    socket: WebSocket,
    writing: Writing,
    outbox: Arc<Outbox>,
    connection: Connection,
    rooms: OpenRooms,
    /// What a full room's queue keeps waiting; nothing is read meanwhile.
    waiting: Vec<Delivery>,
    pending: Option<Pending>,
    /// Rights that are being asked for, beside all else. Most connections never ask.
    asking: Questions,
    /// What is kept for the user, once it is known who that is.
    stay: Option<Box<Stay>>,
    heard: Millis,
    asked: bool,
    context: Arc<SocketContext>,
    entry: Entry,
    arrival: Arc<Arrival>,
}

/// A command for a room whose queue was full.
struct Delivery {
    channel: Channel,
    commands: mpsc::Sender<RoomCommand>,
    command: RoomCommand,
}

/// What the connection waits for before it goes on.
type Pending = Pin<Box<dyn Future<Output = Step> + Send>>;

enum Step {
    Identity(Result<(Identity, Option<Box<Stay>>), Denied>),
    Room(Result<mpsc::OwnedPermit<RoomCommand>, mpsc::error::SendError<()>>),
}

/// What the socket has to tell.
enum SocketEvent {
    Written(Result<(), axum::Error>),
    Message(Option<Result<Message, axum::Error>>),
}

impl SocketTask {
    fn new(
        socket: WebSocket,
        context: Arc<SocketContext>,
        outbox: Arc<Outbox>,
        entry: Entry,
        arrival: Arc<Arrival>,
    ) -> SocketTask {
        let now = context.clock.now();
        let connection =
            Connection::new(Arc::clone(&outbox), context.limits, context.settings, context.durability, now)
                .with_metrics(context.metrics.clone());
        SocketTask {
            socket,
            writing: Writing::default(),
            outbox,
            connection,
            rooms: OpenRooms::new(entry.id),
            waiting: Vec::new(),
            pending: None,
            asking: None,
            stay: None,
            heard: now,
            asked: false,
            context,
            entry,
            arrival,
        }
    }

    async fn run(&mut self) {
        tracing::debug!("connected");
        let end = self.drive().await;
        // The rooms hear of it first: the last words may take a while.
        self.rooms.leave();
        self.outbox.abandon();
        // In a box, since it is needed once: within, every connection would hold its place.
        Box::pin(self.finish(end)).await;
    }

    async fn drive(&mut self) -> End {
        let mut timer = pin!(sleep_until(self.context.clock.instant(self.due())));
        let mut armed = self.due();
        loop {
            self.perform();
            let now = self.context.clock.now();
            // Answers grow with what is read, so whoever takes none of them is not read either.
            let full = self.outbox.burden() > 2 * self.context.settings.queue_bytes;
            let reads = self.pending.is_none() && !full && self.connection.reads_at() <= now;
            let due = self.due();
            // A later moment is found when the earlier one is there: most messages move it.
            if due < armed {
                armed = due;
                self.arm(timer.as_mut(), due);
            }
            let idle = self.writing.is_idle();
            let (socket, writing) = (&mut self.socket, &mut self.writing);
            let front = &self.context.metrics.front;
            let event = tokio::select! {
                biased;
                () = revoked(&mut self.stay) => {
                    self.heed_revocation();
                    continue;
                }
                () = self.outbox.ready(), if idle => {
                    if let Some(end) = self.fill() {
                        return end;
                    }
                    continue;
                }
                event = poll_fn(|context| {
                    if !writing.is_idle()
                        && let Poll::Ready(written) = writing.poll_write(Pin::new(socket), context, front)
                    {
                        return Poll::Ready(SocketEvent::Written(written));
                    }
                    if reads && let Poll::Ready(message) = Pin::new(&mut *socket).poll_next(context) {
                        return Poll::Ready(SocketEvent::Message(message));
                    }
                    Poll::Pending
                }) => event,
                step = step_of(&mut self.pending) => {
                    self.go_on(step);
                    continue;
                }
                answer = answer_of(&mut self.asking) => {
                    self.answered(answer);
                    continue;
                }
                () = timer.as_mut() => {
                    if let Some(end) = self.timeout() {
                        return end;
                    }
                    armed = self.due();
                    self.arm(timer.as_mut(), armed);
                    continue;
                }
            };
            let end = match event {
                SocketEvent::Written(Ok(())) => self.fill(),
                SocketEvent::Written(Err(_)) => Some(End::Gone("the socket takes nothing any more")),
                SocketEvent::Message(Some(Ok(message))) => self.take(message),
                SocketEvent::Message(Some(Err(error))) => self.broken(error),
                SocketEvent::Message(None) => Some(End::Gone("the socket has ended")),
            };
            // Time does not stand still for a peer that never lets the timer have its turn.
            let late = self.heard >= armed;
            if let Some(end) = end.or_else(|| if late { self.timeout() } else { None }) {
                return end;
            }
            if late {
                armed = self.due();
                self.arm(timer.as_mut(), armed);
            }
        }
    }

    /// Takes from the outbox what fits into a message, and tells rooms what follows.
    fn fill(&mut self) -> Option<End> {
        let taken = self.outbox.take(MESSAGE_BYTES);
        for (channel, opened_with) in taken.closed {
            if self.connection.handle_channel_closed(channel, &opened_with) {
                self.rooms.remove(channel);
            }
        }
        for channel in taken.drained {
            self.deliver(channel, RoomCommand::Drained { connection: self.entry.id });
        }
        if !taken.frames.is_empty() {
            let now = self.context.clock.now();
            self.writing.push_frames(taken.frames, MESSAGE_BYTES, now);
        }
        taken.end.map(|(code, retry_after_ms)| End::Told(code, retry_after_ms))
    }

    /// Takes a message from the socket.
    fn take(&mut self, message: Message) -> Option<End> {
        let now = self.context.clock.now();
        (self.heard, self.asked) = (now, false);
        match message {
            Message::Binary(bytes) => {
                self.context.metrics.front.message_received(bytes.len());
                self.connection.handle_message(&bytes, now);
            }
            Message::Ping(_) | Message::Pong(_) => self.connection.handle_sign_of_life(now),
            Message::Text(_) => self.connection.end(Code::Malformed),
            Message::Close(_) => return Some(End::Gone("the client has closed")),
        }
        None
    }

    /// The socket cannot be read any more: told why, if it is the peer's doing.
    fn broken(&mut self, error: axum::Error) -> Option<End> {
        use tungstenite::Error;
        let error = error.into_inner();
        let code = match error.downcast_ref::<Error>() {
            Some(Error::Capacity(_)) => Code::TooLarge,
            Some(Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => {
                return Some(End::Gone("the socket was cut"));
            }
            Some(Error::Protocol(_) | Error::Utf8(_)) => Code::Malformed,
            _ => return Some(End::Gone("the socket was cut")),
        };
        tracing::debug!(%error, "unreadable");
        Some(End::Told(code, 0))
    }

    /// Does what the connection asks for, until it must wait.
    fn perform(&mut self) {
        while self.pending.is_none() {
            if !self.waiting.is_empty() {
                self.deliver_waiting();
                continue;
            }
            let Some(output) = self.connection.poll_output() else { return };
            match output {
                ConnectionOutput::Authenticate { token } => {
                    let (context, known) = (Arc::clone(&self.context), self.stay.is_some());
                    self.pending = Some(Box::pin(async move { Step::Identity(let_in(&context, &token, known).await) }));
                }
                ConnectionOutput::Open(request) => self.ask_role(request),
                ConnectionOutput::AskRole { channel, document } => self.ask_again(channel, document),
                ConnectionOutput::Expel { channel, code, retry_after_ms } => {
                    let connection = self.entry.id;
                    self.deliver(channel, RoomCommand::Expel { connection, code, retry_after_ms });
                }
                ConnectionOutput::Room { channel, mut frame } => {
                    if let ChannelFrame::Submit { trail, .. } = &mut frame {
                        *trail = Trail::start();
                    }
                    let closes = matches!(frame, ChannelFrame::Close);
                    self.deliver(channel, RoomCommand::Frame { connection: self.entry.id, frame });
                    if closes {
                        self.rooms.remove(channel);
                    }
                }
            }
        }
    }

    /// Something of the user was revoked: this token, a document, or what does not concern us.
    fn heed_revocation(&mut self) {
        let Some(identity) = self.connection.identity() else { return };
        let revocations = &self.context.revocations;
        if revocations.check(identity) {
            let revoked =
                self.connection.documents().filter(|document| !revocations.check_document(identity, document));
            (0..revoked.count()).for_each(|_| self.context.metrics.front.revoked(Revoked::Channel));
            self.connection.doubt(self.context.clock.now());
        } else {
            self.connection.end(Code::TokenRevoked);
        }
    }

    fn go_on(&mut self, step: Step) {
        match step {
            Step::Identity(identity) => {
                let identity = identity.map(|(identity, stay)| {
                    tracing::Span::current().record("user", field::display(LoggedUser(&identity.user)));
                    tracing::debug!("authenticated");
                    self.arrival.authenticated();
                    self.stay = self.stay.take().or(stay);
                    identity
                });
                self.connection.handle_identity(identity, self.context.clock.now());
            }
            Step::Room(permit) => {
                let Delivery { channel, command, .. } = self.waiting.remove(0);
                match permit {
                    Ok(permit) => drop(permit.send(command)),
                    Err(_) => self.undeliverable(channel, command),
                }
            }
        }
    }

    /// Gives a command to the room of a channel, in order.
    fn deliver(&mut self, channel: Channel, command: RoomCommand) {
        let Some(commands) = self.rooms.get(channel) else { return };
        if !self.waiting.is_empty() {
            let commands = commands.clone();
            return self.waiting.push(Delivery { channel, commands, command });
        }
        match commands.try_send(command) {
            Ok(()) => {}
            Err(TrySendError::Full(command)) => {
                let commands = commands.clone();
                self.waiting.push(Delivery { channel, commands, command });
            }
            Err(TrySendError::Closed(command)) => self.undeliverable(channel, command),
        }
    }

    fn deliver_waiting(&mut self) {
        if let Some(first) = self.waiting.first() {
            let commands = first.commands.clone();
            self.pending = Some(Box::pin(async move { Step::Room(commands.reserve_owned().await) }));
        }
    }

    /// The room has failed meanwhile. Channels that were open have been told by it.
    fn undeliverable(&mut self, channel: Channel, command: RoomCommand) {
        if let RoomCommand::Open(open) = command {
            self.connection.refuse(open.request, Code::Internal, RETRY_MS);
            if self.connection.handle_channel_closed(channel, &open.permit) {
                self.rooms.remove(channel);
            }
        }
    }

    /// The earliest moment at which something is to be done.
    fn due(&self) -> Millis {
        let settings = &self.context.settings;
        let stuck = self.writing.since().map(|since| since + settings.stuck_ms);
        let ask = (!self.asked).then(|| self.heard + settings.ping_ms);
        let reads = (self.connection.reads_at() > self.context.clock.now()).then(|| self.connection.reads_at());
        let never = Millis(u64::MAX);
        [stuck, ask, reads, self.connection.poll_timeout()].into_iter().flatten().min().unwrap_or(never)
    }

    fn arm(&self, timer: Pin<&mut Sleep>, due: Millis) {
        timer.reset(self.context.clock.instant(due));
    }

    fn timeout(&mut self) -> Option<End> {
        let (now, settings) = (self.context.clock.now(), self.context.settings);
        if self.writing.since().is_some_and(|since| now - since >= settings.stuck_ms) {
            return Some(End::Stuck);
        }
        if !self.asked && now - self.heard >= settings.ping_ms {
            self.asked = true;
            self.writing.push(Message::Ping(Bytes::new()), now);
        }
        self.connection.handle_timeout(now);
        None
    }
}

async fn step_of(pending: &mut Option<Pending>) -> Step {
    let Some(waited_for) = pending else { return std::future::pending().await };
    let step = waited_for.await;
    *pending = None;
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thousands of idle connections are what a server has most of.
    #[test]
    fn the_future_of_a_connection_stays_small() {
        fn size<F>(_: fn(WebSocket, Arc<SocketContext>, Arc<Arrival>) -> F) -> usize {
            size_of::<F>()
        }
        let size = size(serve_socket);
        assert!(size <= 1_500, "{size} bytes");
    }
}
