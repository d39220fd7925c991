//! As much of HTTP as asking a server for a page takes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use cowrite_protocol::DocumentId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status, such as 200.
    pub status: u16,
    /// The head, with the status line.
    pub head: String,
    /// What follows the head.
    pub body: String,
}

/// `GET path`, taken as it is; `None` if there is no whole answer within 5 s.
pub async fn get(address: SocketAddr, path: &str) -> Option<Answer> {
    timeout(Duration::from_secs(5), ask(address, path)).await.ok()?
}

/// `POST path` with these header lines and this body; `None` if there is no whole answer within 5 s.
pub async fn post(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Answer> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}");
    let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    timeout(Duration::from_secs(5), exchange(address, &request)).await.ok()?
}

/// A document as it is, for who bears this token: its version, and its content as JSON. `None` if it is
/// refused, or there is no whole answer within 5 s.
pub async fn exported(address: SocketAddr, document: &DocumentId, token: &str) -> Option<(u64, String)> {
    let head = format!("GET /v1/documents/{document} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    let request = format!("{head}authorization: Bearer {token}\r\n\r\n");
    let answer = timeout(Duration::from_secs(5), exchange(address, &request)).await.ok()??;
    let body: serde_json::Value = serde_json::from_str(&answer.body).ok()?;
    let (_, content) = answer.body.trim_end().strip_suffix('}')?.split_once("\"content\":")?;
    Some((body["version"].as_u64()?, content.to_owned()))
}

async fn ask(address: SocketAddr, path: &str) -> Option<Answer> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    exchange(address, &request).await
}

async fn exchange(address: SocketAddr, request: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

/// What a server counts, in the text format of Prometheus.
#[derive(Clone, Debug, Default)]
pub struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// Reads the text; what is no number is left out.
    pub fn parse(text: &str) -> Metrics {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Metrics(lines.filter_map(|line| line.rsplit_once(' ')).filter_map(named).collect())
    }

    /// The value of a series, named with its labels as in the text.
    pub fn value(&self, series: &str) -> Option<f64> {
        self.0.get(series).copied()
    }

    /// The sum over all series of that name, whatever their labels; 0 if there are none.
    pub fn sum(&self, name: &str) -> f64 {
        let of_name = |series: &str| series.split('{').next() == Some(name);
        self.0.iter().filter(|(series, _)| of_name(series)).map(|(_, value)| value).sum()
    }
}

fn named((series, value): (&str, &str)) -> Option<(String, f64)> {
    Some((series.trim().to_owned(), value.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn series_are_read_with_and_without_labels() {
        let metrics = Metrics::parse("# HELP a b\na{x=\"1\"} 2\na{x=\"2 3\"} 3.5\nab 7\n\n");
        assert_eq!(metrics.value("a{x=\"1\"}"), Some(2.0));
        assert_eq!(metrics.value("a"), None);
        assert_eq!((metrics.sum("a"), metrics.sum("ab"), metrics.sum("b")), (5.5, 7.0, 0.0));
    }
}
