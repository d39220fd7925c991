//! The task of one client: its socket, its clock, its tokens.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::http::Uri;

use super::shared::{Job, Shared};
use super::socket::Socket;

/// However often the session asks to be woken, nothing can make the task spin.
const SHORTEST: Duration = Duration::from_millis(4);
/// How long a client that ends waits for its last messages to leave.
const FAREWELL: Duration = Duration::from_secs(1);
/// A source of tokens that takes longer is asked anew.
const HANGING: Duration = Duration::from_secs(60);

/// The host of a session on tokio.
pub(super) struct Driver {
    shared: Arc<Shared>,
    uri: Uri,
    socket: Option<Socket>,
    /// The socket that is being opened; there is one at a time.
    attempt: Option<Waiting<Option<Box<Socket>>>>,
    /// The token that was asked for, of which source, and whether that one has no other. What
    /// the session asks for meanwhile is the same.
    asking: Option<(u64, Waiting<(Option<String>, bool)>)>,
}

type Waiting<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl Driver {
    pub(super) fn new(shared: Arc<Shared>, uri: Uri) -> Driver {
        Driver { shared, uri, socket: None, attempt: None, asking: None }
    }

    /// Serves the session until its client is closed.
    pub(super) async fn run(mut self) {
        let sleep = sleep_until(Instant::now());
        tokio::pin!(sleep);
        loop {
            let (jobs, due) = self.shared.take_jobs();
            jobs.into_iter().for_each(|job| self.start(job));
            if self.shared.read(|state| state.closed) {
                break;
            }
            // Sleeping too short costs one look; starting a timer anew costs more.
            if let Some(due) = due
                && (due < sleep.deadline() || sleep.is_elapsed())
            {
                // A session that is woken early asks again for the moment that is left.
                sleep.as_mut().reset(due.max(Instant::now() + SHORTEST));
            }
            tokio::select! {
                () = self.shared.wake.notified() => {}
                socket = ready_or_never(self.attempt.as_mut()) => {
                    self.attempt = None;
                    self.settle(socket);
                }
                (token, fixed) = ready_or_never(self.asking.as_mut().map(|(_, asking)| asking)) => {
                    self.asking = None;
                    self.answer(token, fixed);
                }
                message = turn_or_never(&mut self.socket) => match message {
                    Some(message) => self.shared.act(|state, now| state.session.handle_message(&message, now)),
                    None => {
                        self.socket = None;
                        self.shared.act(|state, now| state.session.handle_disconnected(now));
                    }
                },
                () = &mut sleep, if due.is_some() => {
                    let buffered = self.socket.as_ref().map_or(0, Socket::buffered);
                    self.shared.act(|state, now| state.session.handle_timeout(now, buffered));
                }
            }
        }
        if let Some(socket) = self.socket.take() {
            // The server notices a socket that is simply gone as well.
            let _ = timeout(FAREWELL, socket.close()).await;
        }
    }

    fn start(&mut self, job: Job) {
        match job {
            Job::NeedToken => {
                let (source, tokens) = self.shared.read(|state| state.tokens.clone());
                if self.asking.as_ref().is_none_or(|(asked, _)| *asked != source) {
                    let fixed = tokens.is_fixed();
                    let ask = async move { (timeout(HANGING, tokens.token()).await.ok().flatten(), fixed) };
                    self.asking = Some((source, Box::pin(ask)));
                }
            }
            Job::Connect => {
                let socket = Socket::connect(self.uri.clone());
                self.attempt = Some(Box::pin(async { socket.await.ok().map(Box::new) }));
            }
            Job::Send(message) => {
                if let Some(socket) = &mut self.socket {
                    socket.send(message);
                }
            }
            Job::Disconnect => (self.socket, self.attempt) = (None, None),
        }
    }

    fn settle(&mut self, socket: Option<Box<Socket>>) {
        match socket {
            Some(socket) => {
                self.socket = Some(*socket);
                self.shared.act(|state, now| state.session.handle_connected(now));
            }
            None => self.shared.act(|state, now| state.session.handle_disconnected(now)),
        }
    }

    fn answer(&self, token: Option<String>, fixed: bool) {
        self.shared.act(|state, now| match token {
            Some(token) if fixed => state.session.provide_fixed_token(&token, now),
            Some(token) => state.session.provide_token(&token, now),
            None => state.session.handle_token_failure(now),
        });
    }
}

async fn ready_or_never<T>(waiting: Option<&mut Waiting<T>>) -> T {
    match waiting {
        Some(waiting) => waiting.await,
        None => pending().await,
    }
}

async fn turn_or_never(socket: &mut Option<Socket>) -> Option<tokio_tungstenite::tungstenite::Bytes> {
    match socket {
        Some(socket) => socket.turn().await,
        None => pending().await,
    }
}
