//! The relay itself: a port, and where it leads to.

use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};

use super::catch::{Caught, Then, Traps};
use super::link::{Link, Order};
use super::live::Live;
use super::runtime;
use super::weather::{Ways, Weather};
use crate::process::listen_anywhere;

/// A loopback port that leads elsewhere, and the weather on the way. What a command does, it does
/// to all connections through the relay. Dropping it cuts them.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    weather: watch::Sender<Weather>,
    traps: Option<Traps>,
}

#[derive(Debug)]
struct State {
    targets: Vec<SocketAddr>,
    /// Where the next connection is led to.
    next: usize,
    accepted: u64,
    links: Vec<(watch::Sender<Option<Order>>, AbortHandle)>,
}

impl Relay {
    /// To one address.
    pub fn to(target: SocketAddr) -> Relay {
        Relay::new(&[target], None)
    }

    /// To several: each new connection goes to the next one that takes it. So whoever comes back
    /// comes to another, as behind a load balancer without sticky sessions.
    pub fn to_any(targets: &[SocketAddr]) -> Relay {
        Relay::new(targets, None)
    }

    /// To a Redis: this relay tells one request from the next, and [`Relay::catch`] works. Not for
    /// the link between a replica and its primary.
    pub fn to_redis(target: SocketAddr) -> Relay {
        Relay::new(&[target], Some(Traps::default()))
    }

    /// Its own address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections lead through it now.
    pub fn connections(&self) -> usize {
        let mut state = self.shared.lock();
        state.links.retain(|(_, task)| !task.is_finished());
        state.links.len()
    }

    /// How many connections it has taken in all.
    pub fn accepted(&self) -> u64 {
        self.shared.lock().accepted
    }

    /// Leads new connections elsewhere from now on, the next one to the first of these. Those that
    /// are there stay.
    pub fn retarget(&self, targets: &[SocketAddr]) {
        let mut state = self.shared.lock();
        state.targets = targets.to_vec();
        state.next = 0;
    }

    /// Cuts every connection: both ends see RST.
    pub fn cut(&self) {
        self.shared.end(Order::Cut);
    }

    /// Ends every connection in order: both ends see FIN.
    pub fn fin(&self) {
        self.shared.end(Order::Fin);
    }

    /// Delivers nothing any more, that way, though connections stay and are still taken: neither
    /// bytes nor the end of a connection. What is sent is kept, as a network's resending would, and
    /// delivered once it is healed; [`Relay::cut`] before that, and it never is.
    pub fn hole(&self, ways: Ways) {
        self.shared.weather.send_modify(|weather| weather.change(ways, |lane| lane.hole = true));
    }

    /// Ends every hole.
    pub fn heal(&self) {
        self.shared.weather.send_modify(|weather| weather.change(Ways::Both, |lane| lane.hole = false));
    }

    /// Every byte takes so much longer that way.
    pub fn delay(&self, ways: Ways, delay: Duration) {
        self.shared.weather.send_modify(|weather| weather.change(ways, |lane| lane.delay = delay));
    }

    /// Each connection carries so many bytes a second at most, that way.
    pub fn rate(&self, ways: Ways, bytes_per_second: Option<u64>) {
        self.shared.weather.send_modify(|weather| weather.change(ways, |lane| lane.rate = bytes_per_second));
    }

    /// What comes within so much time is passed on at once that way, as by a proxy that buffers.
    pub fn gather(&self, ways: Ways, time: Duration) {
        self.shared.weather.send_modify(|weather| weather.change(ways, |lane| lane.gathers = time));
    }

    /// So many bytes are passed on at a time at most that way, wherever messages begin and end.
    pub fn split(&self, ways: Ways, bytes: Option<usize>) {
        self.shared.weather.send_modify(|weather| weather.change(ways, |lane| lane.piece = bytes));
    }

    /// Ends each connection in order that has carried nothing for so long, as proxies do.
    pub fn end_idle(&self, idle: Option<Duration>) {
        self.shared.weather.send_modify(|weather| weather.most_idle = idle);
    }

    /// Cuts each connection as soon as it has carried so many bytes that way: the last of them arrives,
    /// and nothing behind it.
    pub fn cut_after(&self, ways: Ways, bytes: Option<u64>) {
        self.shared.weather.send_modify(|weather| weather.change(ways, |lane| lane.ends_after = bytes));
    }

    /// What becomes of what Redis publishes, from now on. Only a relay of [`Relay::to_redis`] can tell
    /// it from replies.
    pub fn live(&self, live: Live) {
        self.shared.weather.send_modify(|weather| weather.live = live);
    }

    /// Lies in wait for the next request that holds these bytes, such as a command's name or a
    /// script's SHA-1. An empty pattern is in every request.
    ///
    /// # Panics
    /// If the relay was not made by [`Relay::to_redis`].
    pub fn catch(&self, pattern: &[u8], then: Then) -> Caught {
        self.shared.traps.as_ref().expect("only a relay to Redis knows requests").set(pattern, then)
    }

    /// In every request from now on `new` stands where `old` stood.
    ///
    /// # Panics
    /// If the relay was not made by [`Relay::to_redis`], or the two are not of one length: what a request
    /// says of its lengths stays.
    pub fn replace(&self, old: &[u8], new: &[u8]) {
        assert_eq!(old.len(), new.len());
        self.shared.traps.as_ref().expect("only a relay to Redis knows requests").replace(old, new);
    }

    /// Refuses new connections from now on. Those that are there stay.
    pub fn close_port(&self) {
        let accepting = self.accepting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(accepting) = accepting else { return };
        accepting.abort();
        // The port is closed when the task has been dropped, not before.
        let deadline = Instant::now() + Duration::from_secs(10);
        while !accepting.is_finished() {
            assert!(Instant::now() < deadline, "the relays' own threads are stuck");
            std::thread::sleep(Duration::from_millis(1));
        }
        // A program that another test starts this moment holds a copy of the listener, until it is
        // more than a copy of ourselves.
        while StdStream::connect(self.address).is_ok() {
            assert!(Instant::now() < deadline, "{} stays open", self.address);
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Takes connections again.
    ///
    /// # Panics
    /// If somebody else has taken the port.
    pub fn reopen_port(&self) {
        let mut accepting = self.accepting.lock().unwrap_or_else(PoisonError::into_inner);
        if accepting.is_none() {
            let address = self.address;
            let listener = StdListener::bind(address).unwrap_or_else(|error| panic!("a relay on {address}: {error}"));
            *accepting = Some(accept(listener, self.shared.clone()));
        }
    }

    fn new(targets: &[SocketAddr], traps: Option<Traps>) -> Relay {
        let state = State { targets: targets.to_vec(), next: 0, accepted: 0, links: Vec::new() };
        let weather = watch::Sender::new(Weather::default());
        let shared = Arc::new(Shared { state: Mutex::new(state), weather, traps });
        let listener = listen_anywhere();
        let address = listener.local_addr().expect("it listens");
        let accepting = Mutex::new(Some(accept(listener, shared.clone())));
        Relay { address, shared, accepting }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.close_port();
        self.cut();
    }
}

impl Shared {
    fn end(&self, order: Order) {
        for (link, _) in self.lock().links.drain(..) {
            link.send_replace(Some(order));
        }
    }

    /// All targets, in the order in which the next connection tries them.
    fn candidates(&self) -> Vec<SocketAddr> {
        let mut state = self.lock();
        let mut candidates = state.targets.clone();
        if !candidates.is_empty() {
            let first = state.next % candidates.len();
            candidates.rotate_left(first);
            state.next = first + 1;
        }
        candidates
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(listener: StdListener, shared: Arc<Shared>) -> JoinHandle<()> {
    listener.set_nonblocking(true).unwrap();
    runtime().spawn(async move {
        let listener = TcpListener::from_std(listener).unwrap();
        loop {
            // What is no longer there when it is accepted is nobody's loss.
            let Ok((near, _)) = listener.accept().await else { continue };
            let (order, ordered) = watch::channel(None);
            let task = tokio::spawn(connect(near, shared.clone(), ordered));
            let mut state = shared.lock();
            state.accepted += 1;
            state.links.retain(|(_, task)| !task.is_finished());
            state.links.push((order, task.abort_handle()));
        }
    })
}

async fn connect(near: TcpStream, shared: Arc<Shared>, order: watch::Receiver<Option<Order>>) {
    for target in shared.candidates() {
        if let Ok(far) = TcpStream::connect(target).await {
            let (weather, traps) = (shared.weather.subscribe(), shared.traps.clone());
            // Or else the relay's own end would never be noticed.
            drop(shared);
            return Link { near, far, weather, order, traps }.run().await;
        }
    }
    // Nobody is there: who has called finds out by RST.
    let _ = near.set_zero_linger();
}
