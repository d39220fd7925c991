//! What the server answers over HTTP, and where sockets come from.

mod documents;
mod files;
mod origin;
mod revocations;
mod tokens;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use cowrite_protocol::frame::ProtocolVersion;

use crate::auth::ApiKey;
use crate::connection::{SocketContext, serve_socket};
use crate::health::Health;
use crate::logging::lines_dropped;
use crate::metrics::{Metrics, ProcessSample, Sampled};

use crate::traces::spans_dropped;

use files::Files;
pub(crate) use tokens::TokenDesk;

/// What the handlers share.
pub(crate) struct HttpContext {
    /// What sockets are made with.
    pub(crate) socket: Arc<SocketContext>,
    /// Whether what remembers answers: it must before the server calls itself ready.
    pub(crate) health: Health,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// The server goes down: it is not ready, and takes no socket any more.
    pub(crate) draining: AtomicBool,
    /// Who mints tokens for the application's servers, if anybody.
    pub(crate) tokens: Option<TokenDesk>,
    /// By which the application's servers are let in; `None`: none is.
    pub(crate) api_key: Option<ApiKey>,
    /// Only pages of this machine are let in.
    pub(crate) local_only: bool,
}

/// All routes: `/v1/socket`, `/v1/documents/ID`, `/v1/tokens`, `/v1/revocations`, `/healthz`, `/readyz`, `/metrics`, files of
/// `package` below `/cowrite/` and of `pages` everywhere else.
///
/// # Errors
/// If one of the two folders cannot be served, with its path.
pub(crate) fn router<'a>(
    context: Arc<HttpContext>,
    pages: Option<&'a Path>,
    package: Option<&'a Path>,
) -> Result<Router, (&'a Path, io::Error)> {
    let open = |folder: Option<&'a Path>| match folder {
        Some(folder) => Files::open(folder).map(Some).map_err(|error| (folder, error)),
        None => Ok(None),
    };
    let (pages, package) = (open(pages)?, open(package)?);
    let mut router = Router::new()
        .route("/v1/socket", any(socket))
        .route("/v1/documents/{document}", get(documents::read))
        .route("/v1/tokens", post(tokens::mint))
        .route("/healthz", get("ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/v1/revocations", get(revocations::list).post(revocations::revoke));
    if let Some(package) = package {
        router = router.route("/cowrite/{*path}", get(serve_below("/cowrite", package)));
    }
    if let Some(pages) = pages {
        router = router.fallback(get(serve_below("", pages)));
    }
    Ok(router.with_state(context))
}

fn serve_below(
    prefix: &'static str,
    files: Files,
) -> impl Fn(Request) -> std::pin::Pin<Box<dyn Future<Output = Response> + Send>> + Clone {
    move |request| {
        let files = files.clone();
        Box::pin(async move {
            let path = request.uri().path();
            files.serve(path.strip_prefix(prefix).unwrap_or(path)).await
        })
    }
}

/// Whether the server should be sent traffic: it is not going down, and its log answers.
async fn ready(State(context): State<Arc<HttpContext>>) -> Response {
    if context.draining.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "going down\n").into_response();
    }
    match context.health.check().await {
        Ok(()) => "ready\n".into_response(),
        Err(trouble) => (StatusCode::SERVICE_UNAVAILABLE, format!("{trouble}\n")).into_response(),
    }
}

/// What is counted, for Prometheus. Nothing is waited for: what is known of the log is what
/// was last heard.
async fn metrics(State(context): State<Arc<HttpContext>>) -> Response {
    let page = context.metrics.page(Sampled {
        connections: context.socket.registry.count(),
        connections_made: context.socket.registry.made(),
        rooms: context.socket.hub.rooms(),
        log_up: context.health.was_up(),
        draining: context.draining.load(Ordering::Relaxed),
        log_lines_dropped: lines_dropped(),
        spans_dropped: spans_dropped(),
        process: ProcessSample::take(),
    });
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page).into_response()
}

/// A WebSocket that speaks our subprotocol, from a page that may talk to us. All that can
/// be refused is refused before the upgrade.
async fn socket(State(context): State<Arc<HttpContext>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if context.local_only && !comes_from_here(&parts) {
        return (StatusCode::FORBIDDEN, "this server talks to pages of its own machine only\n").into_response();
    }
    if context.draining.load(Ordering::Relaxed) {
        let retry = [(header::RETRY_AFTER, "1")];
        return (StatusCode::SERVICE_UNAVAILABLE, retry, "going down\n").into_response();
    }
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.protocols([ProtocolVersion::SUBPROTOCOL]),
        Err(refused) => return refused.into_response(),
    };
    if upgrade.selected_protocol().is_none() {
        return (StatusCode::BAD_REQUEST, "the subprotocol cowrite.v1 is required\n").into_response();
    }
    let limits = context.socket.limits;
    let context = Arc::clone(&context.socket);
    upgrade
        // The defaults would cost 128 KiB a connection. What clients send is small, and what
        // is not is read in as many steps as it takes.
        .read_buffer_size(2 << 10)
        .write_buffer_size(16 << 10)
        .max_write_buffer_size(1 << 20)
        .max_message_size(limits.message_bytes as usize)
        .max_frame_size(limits.message_bytes as usize)
        // A task of its own: that of the upgrade would keep its memory as long as the socket.
        .on_upgrade(move |socket| async move { drop(tokio::spawn(serve_socket(socket, context))) })
}

fn comes_from_here(parts: &Parts) -> bool {
    parts.headers.get_all(header::ORIGIN).iter().all(|origin| origin::is_local(origin.as_bytes()))
}
