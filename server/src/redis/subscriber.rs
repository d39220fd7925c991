//! Sharded channels that are listened to, wherever their slots are.
//!
//! Pub/sub keeps nothing: whenever a subscription was not in force for a moment, its
//! listeners are told so once it is again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::node::{configured, connect};
use super::slots::slot_of;
use super::topology::{NodeAddress, REDIRECTS, Topology};
use super::trouble::Trouble;

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A message of the channel.
    Message(Bytes),
    /// Messages may have been lost; the subscription is in force again.
    Interrupted,
}

/// Somebody who listens to a channel.
pub(crate) trait Listener: Send {
    /// Takes what is heard; it must not wait.
    fn hear(&mut self, heard: &Heard);

    /// Whether nobody is interested any more.
    fn is_gone(&self) -> bool;
}

/// The subscriptions of this process. Ends with the last clone.
#[derive(Clone)]
pub(crate) struct Subscriber(mpsc::UnboundedSender<Wish>);

struct Wish {
    channel: String,
    listener: Box<dyn Listener>,
    reply: oneshot::Sender<Result<(), Trouble>>,
}

/// A quiet connection is asked for a sign of life this often; a listener who is gone is
/// noticed as late.
const CHECK_EVERY: Duration = Duration::from_secs(4);

/// Waits before a subscription is tried again, at first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// Where one subscription fails, hundreds do: only one is spoken of in this time.
const QUIET_FOR: Duration = Duration::from_secs(10);

impl Subscriber {
    /// Starts the task that subscribes. Must be called in a tokio runtime.
    pub(crate) fn start(topology: Topology) -> Subscriber {
        let (wishes, receiver) = mpsc::unbounded_channel();
        tokio::spawn(Task::new(topology).run(receiver));
        Subscriber(wishes)
    }

    /// Listens to a channel; in force before it returns.
    pub(crate) async fn subscribe(&self, channel: String, listener: Box<dyn Listener>) -> Result<(), Trouble> {
        let (reply, answer) = oneshot::channel();
        let gone = || Trouble::Nonsense("the subscriber has ended");
        self.0.send(Wish { channel, listener, reply }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

struct Task {
    topology: Topology,
    channels: HashMap<String, ChannelState>,
    links: Links,
    /// Links over which something is in force.
    used: HashMap<u64, Link>,
    attempts: FuturesUnordered<BoxFuture<'static, Attempt>>,
    pushes: mpsc::UnboundedReceiver<(u64, PushInfo)>,
    /// When it was last said that a subscription fails.
    warned: Option<Instant>,
}

struct ChannelState {
    listeners: Vec<Box<dyn Listener>>,
    /// Who waits for the subscription to be in force, and until when.
    waiting: Vec<(Wish, Instant)>,
    standing: Standing,
    failures: u32,
}

impl ChannelState {
    fn new() -> ChannelState {
        ChannelState { listeners: Vec::new(), waiting: Vec::new(), standing: Standing::Asked, failures: 0 }
    }
}

/// How a channel stands with its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// An attempt to subscribe is under way.
    Asked,
    /// In force, over this link.
    InForce(u64),
    /// Being given up.
    Leaving,
}

/// What came of something that was under way.
enum Attempt {
    Subscribed(String, Result<Link, Trouble>),
    Left(String),
    Checked(u64, bool),
}

impl Task {
    fn new(topology: Topology) -> Task {
        let (sender, pushes) = mpsc::unbounded_channel();
        let links = Links(Arc::new(LinkPool { pushes: sender, next: AtomicU64::new(1), cells: Mutex::default() }));
        let (channels, used) = (HashMap::new(), HashMap::new());
        Task { topology, channels, links, used, attempts: FuturesUnordered::new(), pushes, warned: None }
    }

    async fn run(mut self, mut wishes: mpsc::UnboundedReceiver<Wish>) {
        let mut checks = interval(CHECK_EVERY);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                wish = wishes.recv() => match wish {
                    Some(wish) => self.wish(wish),
                    None => return,
                },
                Some(attempt) = self.attempts.next(), if !self.attempts.is_empty() => self.attempted(attempt),
                Some((link, push)) = self.pushes.recv() => self.pushed(link, push),
                _ = checks.tick() => self.check(),
            }
        }
    }

    fn wish(&mut self, wish: Wish) {
        let channel = wish.channel.clone();
        let until = Instant::now() + self.topology.settings().retry_for;
        let state = self.channels.entry(channel.clone()).or_insert_with(ChannelState::new);
        state.waiting.push((wish, until));
        // Where it is in force already it is asked for again: the confirmation shows from
        // where on the new listener hears.
        if state.waiting.len() == 1 && state.standing != Standing::Leaving {
            self.attempt(channel, Duration::ZERO);
        }
    }

    /// Begins an attempt to subscribe, after a while.
    fn attempt(&mut self, channel: String, after: Duration) {
        let (topology, links) = (self.topology.clone(), self.links.clone());
        self.attempts.push(Box::pin(async move {
            if !after.is_zero() {
                sleep(after).await;
            }
            let subscribed = subscribe(&topology, &links, &channel).await;
            Attempt::Subscribed(channel, subscribed)
        }));
    }

    fn attempted(&mut self, attempt: Attempt) {
        match attempt {
            Attempt::Subscribed(channel, Ok(link)) => {
                let number = link.number;
                self.used.entry(number).or_insert(link);
                // The confirmation is among what was pushed before.
                while let Ok((link, push)) = self.pushes.try_recv() {
                    self.pushed(link, push);
                }
                let confirmed = self
                    .channels
                    .get(&channel)
                    .is_none_or(|state| state.waiting.is_empty() && state.standing == Standing::InForce(number));
                if !confirmed {
                    self.attempt(channel, BACKOFF.0);
                }
            }
            Attempt::Subscribed(channel, Err(trouble)) => self.refused(channel, trouble),
            Attempt::Left(channel) => {
                let wanted = self.channels.get_mut(&channel).is_some_and(|state| {
                    state.standing = Standing::Asked;
                    !state.waiting.is_empty()
                });
                if wanted {
                    self.attempt(channel, Duration::ZERO);
                } else {
                    self.channels.remove(&channel);
                }
            }
            Attempt::Checked(_, true) => {}
            Attempt::Checked(link, false) => self.broken(link),
        }
    }

    /// The server has confirmed it: from here on every listener hears.
    fn confirmed(&mut self, channel: &str, link: u64) {
        let Some(state) = self.channels.get_mut(channel).filter(|state| state.standing != Standing::Leaving) else {
            return;
        };
        if std::mem::replace(&mut state.standing, Standing::InForce(link)) != Standing::InForce(link) {
            state.listeners.iter_mut().for_each(|listener| listener.hear(&Heard::Interrupted));
        }
        state.failures = 0;
        for (Wish { listener, reply, .. }, _) in state.waiting.drain(..) {
            // One who does not wait any more has dropped the other end of the listener too.
            let _ = reply.send(Ok(()));
            state.listeners.push(listener);
        }
    }

    fn refused(&mut self, channel: String, trouble: Trouble) {
        let Some(state) = self.channels.get_mut(&channel) else { return };
        if state.failures == 0 && self.warned.is_none_or(|at| at.elapsed() >= QUIET_FOR) {
            self.warned = Some(Instant::now());
            tracing::warn!(channel, %trouble, "cannot subscribe, perhaps to others neither; trying on");
        }
        state.failures += 1;
        let now = Instant::now();
        let reason = trouble.to_string();
        let mut waiting = Vec::new();
        for (wish, until) in state.waiting.drain(..) {
            if now < until {
                waiting.push((wish, until));
            } else {
                let _ = wish.reply.send(Err(Trouble::Failed(reason.clone())));
            }
        }
        state.waiting = waiting;
        state.listeners.retain(|listener| !listener.is_gone());
        if state.listeners.is_empty() && state.waiting.is_empty() {
            self.channels.remove(&channel);
            return;
        }
        let wait = BACKOFF.0.saturating_mul(1 << state.failures.min(10)).min(BACKOFF.1);
        self.attempt(channel, wait);
    }

    fn pushed(&mut self, link: u64, push: PushInfo) {
        match push.kind {
            PushKind::SMessage => {
                let mut data = push.data.into_iter();
                let (Some(channel), Some(Value::BulkString(message))) = (data.next().and_then(text), data.next())
                else {
                    return;
                };
                if let Some(state) = self.channels.get_mut(&channel) {
                    let heard = Heard::Message(Bytes::from(message));
                    state.listeners.iter_mut().for_each(|listener| listener.hear(&heard));
                }
            }
            PushKind::SSubscribe => {
                if let Some(channel) = push.data.into_iter().next().and_then(text) {
                    self.confirmed(&channel, link);
                }
            }
            PushKind::SUnsubscribe => {
                let Some(channel) = push.data.into_iter().next().and_then(text) else { return };
                // Nobody asked for it: the slot has moved, and this channel with it. The others
                // stay: in a reshard there may be hundreds, and slots go one after the other.
                let state = self.channels.get_mut(&channel);
                if let Some(state) = state.filter(|state| state.standing == Standing::InForce(link)) {
                    state.standing = Standing::Asked;
                    self.attempt(channel, Duration::ZERO);
                }
            }
            PushKind::Disconnection => self.broken(link),
            _ => {}
        }
    }

    /// Nothing of this link is in force any more.
    fn broken(&mut self, number: u64) {
        if let Some(link) = self.used.remove(&number) {
            link.broken.store(true, Ordering::Relaxed);
        }
        let concerned = self.channels.iter_mut().filter(|(_, state)| state.standing == Standing::InForce(number));
        let channels: Vec<_> = concerned
            .map(|(channel, state)| {
                state.standing = Standing::Asked;
                channel.clone()
            })
            .collect();
        if !channels.is_empty() {
            self.topology.settings().metrics.feed_interrupted();
            tracing::warn!(channels = channels.len(), "a connection for subscriptions broke; subscribing again");
        }
        for channel in channels {
            self.attempt(channel, BACKOFF.0);
        }
    }

    /// Lets go of what nobody listens to, and asks every link for a sign of life.
    fn check(&mut self) {
        let mut left = Vec::new();
        for (channel, state) in &mut self.channels {
            state.listeners.retain(|listener| !listener.is_gone());
            let is_idle = state.listeners.is_empty() && state.waiting.is_empty();
            if let (Standing::InForce(number), true) = (state.standing, is_idle) {
                state.standing = Standing::Leaving;
                left.push((channel.clone(), self.used.get(&number).cloned()));
            }
        }
        for (channel, link) in left {
            self.attempts.push(Box::pin(async move {
                if let Some(mut link) = link {
                    let mut command = redis::cmd("SUNSUBSCRIBE");
                    // If it fails the link is broken, and so is the subscription.
                    let _ = command.arg(&channel).query_async::<Value>(&mut link.connection).await;
                }
                Attempt::Left(channel)
            }));
        }
        for link in self.used.values().cloned() {
            self.attempts.push(Box::pin(async move {
                let mut connection = link.connection;
                let answer = redis::cmd("PING").query_async::<Value>(&mut connection).await;
                Attempt::Checked(link.number, is_answered(&answer))
            }));
        }
    }
}

/// One connection that is used for subscriptions only.
#[derive(Clone)]
struct Link {
    number: u64,
    connection: MultiplexedConnection,
    broken: Arc<AtomicBool>,
}

impl Link {
    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }
}

/// The links, at most one a server.
#[derive(Clone)]
struct Links(Arc<LinkPool>);

struct LinkPool {
    pushes: mpsc::UnboundedSender<(u64, PushInfo)>,
    next: AtomicU64,
    cells: Mutex<HashMap<NodeAddress, Arc<tokio::sync::Mutex<Option<Link>>>>>,
}

impl Links {
    /// The link to a server, made if there is none that works.
    async fn to(&self, topology: &Topology, address: &NodeAddress) -> Result<Link, Trouble> {
        let cell = {
            let mut cells = self.0.cells.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(address.clone()).or_default())
        };
        let mut cell = cell.lock().await;
        if let Some(link) = cell.as_ref().filter(|link| !link.is_broken()) {
            return Ok(link.clone());
        }
        *cell = None;
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let pushes = self.0.pushes.clone();
        let broken = Arc::new(AtomicBool::new(false));
        let breaks = Arc::clone(&broken);
        let config = configured(topology.settings()).set_push_sender(move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                breaks.store(true, Ordering::Relaxed);
            }
            pushes.send((number, push))
        });
        let connection = connect(address, topology.settings(), &config).await?;
        let link = Link { number, connection, broken };
        *cell = Some(link.clone());
        Ok(link)
    }
}

/// Subscribes to a channel where its slot is.
///
/// What it answers tells that the request was answered, not by what: the library takes a
/// message of a slot that has moved for the answer to whatever was asked before, and so
/// answers may come one too early. What is in force is told by the pushed confirmation,
/// which names its channel, and where a slot is by the redirection, which names its slot.
async fn subscribe(topology: &Topology, links: &Links, channel: &str) -> Result<Link, Trouble> {
    let slot = slot_of(channel);
    for _ in 0..REDIRECTS {
        let address = topology.address_of(slot).await?;
        let trouble = match links.to(topology, &address).await {
            Ok(mut link) => {
                let answer = redis::cmd("SSUBSCRIBE").arg(channel).query_async::<Value>(&mut link.connection).await;
                match answer {
                    Ok(_) => return Ok(link),
                    Err(error) => {
                        let trouble = Trouble::of(&error, &address, true);
                        if let Trouble::Lost { .. } = &trouble {
                            link.broken.store(true, Ordering::Relaxed);
                        }
                        trouble
                    }
                }
            }
            Err(trouble) => trouble,
        };
        let Trouble::Moved { slot, to } = trouble else {
            topology.refresh().await;
            return Err(trouble);
        };
        topology.moved(slot, to);
    }
    Err(Trouble::Nonsense("a slot that moves on and on"))
}

/// Whether the server has answered, whatever it was.
fn is_answered(answer: &redis::RedisResult<Value>) -> bool {
    // Where it was asked does not matter here.
    let nowhere = NodeAddress { host: String::new(), port: 0 };
    answer.as_ref().map_or_else(|error| !matches!(Trouble::of(error, &nowhere, true), Trouble::Lost { .. }), |_| true)
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}
