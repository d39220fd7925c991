//! What is said to those who are not let in, before anything of what they want is read.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::arrivals::Crowded;

/// Turns connections away, with a reason if there is room for that.
#[derive(Debug)]
pub(super) struct Refuser(Arc<Semaphore>);

/// So many are told why at one time; others are just closed.
const AT_ONCE: usize = 64;

/// So long it may take.
const WITHIN: Duration = Duration::from_millis(500);

/// Seconds after which they may try again, for HTTP.
pub(super) const RETRY_SECONDS: &str = "1";

impl Default for Refuser {
    fn default() -> Refuser {
        Refuser(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Refuser {
    /// Answers what has not been asked yet, and closes. Does not wait.
    pub(super) fn refuse(&self, stream: TcpStream, crowded: Crowded) {
        let Ok(place) = Arc::clone(&self.0).try_acquire_owned() else { return };
        drop(tokio::spawn(async move {
            let _place = place;
            // Whoever does not take it in time goes without.
            let _ = timeout(WITHIN, answer(stream, crowded)).await;
        }));
    }
}

async fn answer(mut stream: TcpStream, crowded: Crowded) {
    let (status, reason) = match crowded {
        Crowded::Full { .. } => ("503 Service Unavailable", FULL),
        Crowded::Strangers { .. } => ("429 Too Many Requests", STRANGERS),
    };
    let length = reason.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nretry-after: {RETRY_SECONDS}\r\nconnection: close\r\ncontent-type: text/plain\r\n\
        content-length: {length}\r\n\r\n{reason}"
    );
    if stream.write_all(answer.as_bytes()).await.is_err() || stream.shutdown().await.is_err() {
        return;
    }
    // Closing with bytes unread would make the system throw away what was just written.
    let mut unread = [0; 1 << 10];
    while matches!(stream.read(&mut unread).await, Ok(1..)) {}
}

/// Said when all places are taken.
pub(super) const FULL: &str = "too many connections\n";

/// Said when an address has too many that nobody knows.
pub(super) const STRANGERS: &str = "too many connections of this address that have not said who they are\n";
