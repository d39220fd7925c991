//! The task of one client: its socket, its clock, its tokens.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::http::Uri;

use super::shared::{Job, Shared};
use super::socket::Socket;
use super::token::TokenSource;

/// However often the session asks to be woken, nothing can make the task spin.
const SHORTEST: Duration = Duration::from_millis(4);
/// How long a client that ends waits for its last messages to leave.
const FAREWELL: Duration = Duration::from_secs(1);

/// The host of a session on tokio.
pub(super) struct Driver {
    shared: Arc<Shared>,
    uri: Uri,
    tokens: TokenSource,
    socket: Option<Socket>,
    /// What the session waits for before there is a socket; there is one at a time.
    attempt: Option<Pin<Box<dyn Future<Output = Attempt> + Send>>>,
}

enum Attempt {
    Token(Option<String>),
    Socket(Option<Box<Socket>>),
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>, uri: Uri, tokens: TokenSource) -> Driver {
        Driver { shared, uri, tokens, socket: None, attempt: None }
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
                attempt = ready_or_never(&mut self.attempt) => {
                    self.attempt = None;
                    self.settle(attempt);
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
                let token = self.tokens.clone().token();
                self.attempt = Some(Box::pin(async { Attempt::Token(token.await) }));
            }
            Job::Connect => {
                let socket = Socket::connect(self.uri.clone());
                self.attempt = Some(Box::pin(async { Attempt::Socket(socket.await.ok().map(Box::new)) }));
            }
            Job::Send(message) => {
                if let Some(socket) = &mut self.socket {
                    socket.send(message);
                }
            }
            Job::Disconnect => (self.socket, self.attempt) = (None, None),
        }
    }

    fn settle(&mut self, attempt: Attempt) {
        match attempt {
            Attempt::Token(Some(token)) => self.shared.act(|state, now| state.session.provide_token(&token, now)),
            Attempt::Token(None) => self.shared.act(|state, now| state.session.handle_token_failure(now)),
            Attempt::Socket(Some(socket)) => {
                self.socket = Some(*socket);
                self.shared.act(|state, now| state.session.handle_connected(now));
            }
            Attempt::Socket(None) => self.shared.act(|state, now| state.session.handle_disconnected(now)),
        }
    }
}

async fn ready_or_never(attempt: &mut Option<Pin<Box<dyn Future<Output = Attempt> + Send>>>) -> Attempt {
    match attempt {
        Some(attempt) => attempt.await,
        None => pending().await,
    }
}

async fn turn_or_never(socket: &mut Option<Socket>) -> Option<tokio_tungstenite::tungstenite::Bytes> {
    match socket {
        Some(socket) => socket.turn().await,
        None => pending().await,
    }
}
