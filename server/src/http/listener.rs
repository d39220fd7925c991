//! The task that takes connections from a port, and those that read requests from them.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::refusal::Refuser;
use crate::arrivals::{Arrival, Arrivals};
use crate::metrics::{FrontMetrics, Refused};

/// A port, and what is said to those who connect.
#[derive(Debug)]
pub(crate) struct Listener {
    port: TcpListener,
    address: SocketAddr,
}

/// How connections are treated until they are WebSockets.
#[derive(Debug)]
pub(crate) struct Reception {
    /// Who is there, and who may come in.
    pub(crate) arrivals: Arc<Arrivals>,
    /// A request's head must be there within this time: the first one from when the
    /// connection is taken, others from the answer before.
    pub(crate) handshake: Duration,
    /// What is counted.
    pub(crate) metrics: Arc<FrontMetrics>,
}

/// What the kernel keeps for a slow reader, in bytes. Left to itself it takes megabytes,
/// and a reader that takes a little every second would look like one that takes nothing;
/// what waits here cannot be composed any more either.
const SEND_BUFFER_BYTES: u32 = 64 << 10;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;

/// Most bytes of a request's head; who sends more is told so (431). Also the buffer's size.
const HEAD_BYTES: usize = 16 << 10;

/// Most header fields of a request.
const HEADERS: usize = 64;

/// After this time a connection that has not become a WebSocket takes no further request:
/// what drips in or out slowly does not stay for ever.
const HTTP_FOR: Duration = Duration::from_secs(60);

/// So long the last request may go on.
const LAST_REQUEST_FOR: Duration = Duration::from_secs(60);

/// When the system gives no connection because it is short of something, it is asked again
/// after this time.
const SHORTAGE_PAUSE: Duration = Duration::from_millis(50);

/// What cannot be accepted is logged at most this often.
const COMPLAIN_EVERY: Duration = Duration::from_secs(1);

impl Listener {
    /// Takes the port. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Listener> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A port is free as soon as its server is gone, not minutes later.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        // Sockets that are accepted inherit it.
        socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
        socket.bind(address)?;
        let port = socket.listen(BACKLOG)?;
        let address = port.local_addr()?;
        Ok(Listener { port, address })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves for ever. Nothing that the system says of one connection, or of too many of
    /// them, ends it: who is connected stays, and who is not can connect later.
    pub(crate) async fn serve(self, reception: Arc<Reception>, router: Router) {
        let refuser = Refuser::default();
        let mut complained: Option<Instant> = None;
        loop {
            let (stream, peer) = match self.port.accept().await {
                Ok(accepted) => accepted,
                // It was gone before it was taken.
                Err(error) if is_of_one(&error) => continue,
                Err(error) => {
                    reception.metrics.accept_failed();
                    if complained.is_none_or(|then| then.elapsed() >= COMPLAIN_EVERY) {
                        complained = Some(Instant::now());
                        let inside = reception.arrivals.inside();
                        tracing::error!(%error, connections = inside, "no connection can be taken; see `ulimit -n`");
                    }
                    sleep(SHORTAGE_PAUSE).await;
                    continue;
                }
            };
            match reception.arrivals.arrive(peer.ip()) {
                Ok(arrival) => {
                    let arrived = Instant::now();
                    drop(tokio::spawn(receive(stream, arrived, arrival, Arc::clone(&reception), router.clone())));
                }
                Err(crowded) => {
                    reception.metrics.connection_refused(crowded.into());
                    tracing::debug!(%crowded, "turned away");
                    refuser.refuse(stream, crowded);
                }
            }
        }
    }
}

/// Whether it is only this one that cannot be accepted.
fn is_of_one(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
    )
}

async fn receive(stream: TcpStream, arrived: Instant, arrival: Arrival, reception: Arc<Reception>, router: Router) {
    // Without it a small frame waits for the answer to the one before, 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a socket keeps small frames waiting");
    }
    let deadline = arrived + reception.handshake;
    // What never speaks costs no buffer. Only a look at what came says that something did.
    match timeout_at(deadline, stream.peek(&mut [0])).await {
        Ok(Ok(1..)) => {}
        Ok(_) => return,
        Err(_) => return reception.metrics.connection_refused(Refused::Header),
    }
    speak(stream, arrived, deadline, Arc::new(arrival), reception, router).await;
}

/// On the heap, and made where it is needed: what never speaks must not pay for it.
fn speak(
    stream: TcpStream,
    arrived: Instant,
    deadline: Instant,
    arrival: Arc<Arrival>,
    reception: Arc<Reception>,
    router: Router,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(answer(stream, arrived, deadline, arrival, reception, router))
}

async fn answer(
    stream: TcpStream,
    arrived: Instant,
    deadline: Instant,
    arrival: Arc<Arrival>,
    reception: Arc<Reception>,
    router: Router,
) {
    let routes = TowerToHyperService::new(router);
    let service = service_fn({
        let arrival = Arc::clone(&arrival);
        move |request: hyper::Request<Incoming>| {
            arrival.ask();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Arc::clone(&arrival));
            let answer = routes.call(request);
            async move { answer.await.map_err(|never: Infallible| never) }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(reception.handshake)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // In this order: of a head that drips in, hyper counts from its first byte.
        biased;
        () = asked_by(&arrival, deadline) => {
            reception.metrics.connection_refused(Refused::Header);
            return;
        }
        ended = &mut connection => return report(ended),
        () = sleep_until(arrived + HTTP_FOR) => connection.as_mut().graceful_shutdown(),
    }
    if let Ok(ended) = timeout_at(Instant::now() + LAST_REQUEST_FOR, connection).await {
        report(ended);
    }
}

/// Ends at the deadline if no request has come until then.
async fn asked_by(arrival: &Arrival, deadline: Instant) {
    sleep_until(deadline).await;
    if arrival.has_asked() {
        std::future::pending().await
    }
}

fn report(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thousands that never speak are what an attacker has most of.
    #[test]
    fn the_future_of_who_never_speaks_is_small() {
        fn size<F>(_: fn(TcpStream, Instant, Arrival, Arc<Reception>, Router) -> F) -> usize {
            size_of::<F>()
        }
        let size = size(receive);
        assert!(size <= 800, "{size} bytes");
    }
}
