//! How the application is asked over HTTP.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::time::Duration;

use axum::http::{Request, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use thiserror::Error;
use tokio::time::timeout;

/// An address of the application: `https://…`, or `http://…` where nobody listens in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebUrl(Uri);

/// Why a text is no [`WebUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an address such as https://app.example/cowrite/access is needed, without user and password")]
pub struct BadWebUrl;

impl FromStr for WebUrl {
    type Err = BadWebUrl;

    fn from_str(text: &str) -> Result<WebUrl, BadWebUrl> {
        let uri: Uri = text.parse().map_err(|_| BadWebUrl)?;
        let spoken = matches!(uri.scheme_str(), Some("http" | "https"));
        let named = uri.host().is_some_and(|host| !host.is_empty());
        let anonymous = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        if spoken && named && anonymous && !text.contains('#') { Ok(WebUrl(uri)) } else { Err(BadWebUrl) }
    }
}

impl fmt::Display for WebUrl {
    /// Without what stands behind `?`, which may be secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.0.authority().map_or("", |authority| authority.as_str());
        write!(formatter, "{}://{authority}{}", self.0.scheme_str().unwrap_or_default(), self.0.path())
    }
}

/// Asks one address. Follows no redirects, and takes no answer that is large, late or not 200.
#[derive(Debug)]
pub(super) struct WebClient {
    url: WebUrl,
    over: Over,
    within: Duration,
    most_bytes: usize,
}

#[derive(Debug)]
enum Over {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Tls(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub(super) enum WebError {
    /// It took too long.
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
    /// It was refused, cut, or not HTTP.
    #[error("cannot be asked: {0}")]
    Unreachable(hyper_util::client::legacy::Error),
    /// It is not an answer to go by.
    #[error("answered with status {0} instead of 200")]
    Status(StatusCode),
    /// It was cut, or is larger than any such answer.
    #[error("the answer is cut, or larger than {0} bytes")]
    Body(usize),
}

/// Connections that are kept for the next question.
const IDLE_CONNECTIONS: usize = 16;

impl WebClient {
    /// One that waits so long for whole answers, of so many bytes at most.
    ///
    /// # Errors
    /// If the system has no certificates by which an `https` address could be verified.
    pub(super) fn new(url: WebUrl, within: Duration, most_bytes: usize) -> io::Result<WebClient> {
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(15));
        builder.pool_max_idle_per_host(IDLE_CONNECTIONS);
        let over = if url.0.scheme_str() == Some("https") {
            let provider = rustls::crypto::ring::default_provider();
            let tls = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider)?;
            Over::Tls(builder.build(tls.https_only().enable_http1().build()))
        } else {
            let mut tcp = HttpConnector::new();
            tcp.set_nodelay(true);
            Over::Plain(builder.build(tcp))
        };
        Ok(WebClient { url, over, within, most_bytes })
    }

    /// Where it asks.
    pub(super) fn url(&self) -> &WebUrl {
        &self.url
    }

    /// Sends a request to the address; the whole body of the answer.
    ///
    /// # Errors
    /// If there is none, or not one to go by.
    pub(super) async fn ask(&self, mut request: Request<Full<Bytes>>) -> Result<Bytes, WebError> {
        *request.uri_mut() = self.url.0.clone();
        let answer = async {
            let answer = match &self.over {
                Over::Plain(client) => client.request(request).await,
                Over::Tls(client) => client.request(request).await,
            };
            let answer = answer.map_err(WebError::Unreachable)?;
            if answer.status() != StatusCode::OK {
                return Err(WebError::Status(answer.status()));
            }
            let body = Limited::new(answer.into_body(), self.most_bytes).collect().await;
            body.map(|body| body.to_bytes()).map_err(|_| WebError::Body(self.most_bytes))
        };
        timeout(self.within, answer).await.unwrap_or(Err(WebError::Late(self.within)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_whole_and_has_no_secrets_to_show() {
        let shown = |text: &str| text.parse::<WebUrl>().map(|url| url.to_string());
        assert_eq!(shown("https://app.example/a/b?key=1").as_deref(), Ok("https://app.example/a/b"));
        assert_eq!(shown("http://127.0.0.1:80").as_deref(), Ok("http://127.0.0.1:80/"));
        for bad in ["", "app.example", "/a", "ftp://a", "file:///a", "http://", "https://a:b@c/", "https://a/#b"] {
            assert!(bad.parse::<WebUrl>().is_err(), "{bad}");
        }
    }
}
