//! A collector of traces, as small as it can be.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;

/// Takes OTLP over HTTP in JSON, and keeps every span.
pub(crate) struct Collector {
    address: SocketAddr,
    spans: Spans,
}

type Spans = Arc<Mutex<Vec<Value>>>;

impl Collector {
    pub(crate) async fn start() -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let spans = Spans::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&spans));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Collector { address, spans }
    }

    /// What servers are told.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All spans of that name so far.
    pub(crate) fn spans(&self, name: &str) -> Vec<Value> {
        let spans = self.spans.lock().unwrap();
        spans.iter().filter(|span| span["name"] == name).cloned().collect()
    }
}

async fn take(State(spans): State<Spans>, body: Bytes) -> &'static str {
    let request: Value = serde_json::from_slice(&body).expect("it is JSON");
    let resource = &request["resourceSpans"][0];
    assert_eq!(resource["resource"]["attributes"][0]["value"]["stringValue"], "cowrite-server");
    let sent = resource["scopeSpans"][0]["spans"].as_array().expect("a list of spans");
    spans.lock().unwrap().extend(sent.iter().cloned());
    "{}"
}
