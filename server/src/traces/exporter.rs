//! Spans to a collector, by HTTP.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::tracer::drop_spans;
use super::{Endpoint, Span, json};

/// Sends spans in batches, one request at a time. A collector that is down or slow costs spans,
/// never more memory and never an edit's time.
#[derive(Debug)]
pub struct Exporter {
    endpoint: Endpoint,
    waiting: mpsc::Receiver<Vec<Span>>,
}

/// Spans in one request.
const BATCH: usize = 512;

/// How long spans wait for others.
const LINGER: Duration = Duration::from_millis(500);

/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of an answer that are read, to know its status.
const ANSWER_BYTES: usize = 4 << 10;

impl Exporter {
    pub(super) fn new(endpoint: Endpoint, waiting: mpsc::Receiver<Vec<Span>>) -> Exporter {
        Exporter { endpoint, waiting }
    }

    /// Sends until the last [`Tracer`](super::Tracer) is gone and all that waited is sent.
    pub async fn run(mut self) {
        let mut healthy = true;
        while let Some(mut spans) = self.waiting.recv().await {
            let until = Instant::now() + LINGER;
            while spans.len() < BATCH
                && let Ok(Some(more)) = timeout_at(until, self.waiting.recv()).await
            {
                spans.extend(more);
            }
            let sent = match timeout(PATIENCE, self.post(&json::request(&spans))).await {
                Ok(sent) => sent,
                Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut)),
            };
            if let Err(error) = &sent {
                drop_spans(spans.len());
                if healthy {
                    tracing::warn!(collector = %self.endpoint, %error, "traces are not taken; going on without");
                }
            } else if !healthy {
                tracing::info!(collector = %self.endpoint, "traces are taken again");
            }
            healthy = sent.is_ok();
        }
    }

    async fn post(&self, body: &str) -> io::Result<()> {
        let authority = self.endpoint.authority();
        let mut stream = TcpStream::connect(&authority).await?;
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            self.endpoint.traces_path(),
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        let mut answer = vec![0; ANSWER_BYTES];
        let mut read = 0;
        // The status line is enough.
        while read < ANSWER_BYTES && !answer[..read].contains(&b'\n') {
            match stream.read(&mut answer[read..]).await? {
                0 => break,
                more => read += more,
            }
        }
        let status = answer[..read].split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        if status.first() == Some(&b'2') {
            return Ok(());
        }
        Err(io::Error::other(format!("the answer is {}", String::from_utf8_lossy(status).escape_default())))
    }
}
