//! What the server answers over HTTP, and where sockets come from.

mod api_key;
mod cors;
#[cfg(test)]
mod documented;
mod documents;
mod existence;
mod files;
mod listener;
mod origin;
mod refusal;
mod revocations;
mod tokens;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Request, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post};
use axum::{Extension, Router};
use cowrite_protocol::frame::ProtocolVersion;

use crate::arrivals::{Arrival, Arrivals, Crowded};
use crate::auth::ApiKey;
use crate::connection::{SocketContext, serve_socket};
use crate::health::Health;
use crate::logging::lines_dropped;
use crate::metrics::{Metrics, ProcessSample, Refused, Sampled};
use crate::traces::spans_dropped;

use tokio::sync::Semaphore;

use files::Files;

pub(crate) use documents::EXPORTS;
pub(crate) use listener::{Listener, Reception};
pub use origin::{AllowedOrigin, OriginRule, ParseOriginError};
pub(crate) use tokens::TokenDesk;

/// What a WebSocket reads at a time, and keeps room for as long as it lasts.
const READ_BUFFER_BYTES: usize = 512;

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
    /// How many documents may be written out now.
    pub(crate) exports: Semaphore,
    /// Which pages are let in.
    pub(crate) origins: OriginRule,
    /// Who is connected to the port of users.
    pub(crate) arrivals: Arc<Arrivals>,
}

/// Where sockets are opened.
const SOCKET: &str = "/v1/socket";

/// Most bytes of what is sent with a request. What is big travels by the socket.
const BODY_BYTES: usize = 64 << 10;

/// Where a proxy says whom it asks for.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What users need: `/v1/socket`, `/v1/documents/ID`, files of `package` below `/cowrite/` and of `pages`
/// everywhere else.
///
/// # Errors
/// If one of the two folders cannot be served, with its path.
pub(crate) fn public_routes<'a>(
    pages: Option<&'a Path>,
    package: Option<&'a Path>,
) -> Result<Router<Arc<HttpContext>>, (&'a Path, io::Error)> {
    let open = |folder: Option<&'a Path>| match folder {
        Some(folder) => Files::open(folder).map(Some).map_err(|error| (folder, error)),
        None => Ok(None),
    };
    let (pages, package) = (open(pages)?, open(package)?);
    let mut router = Router::new().route(SOCKET, any(socket)).route("/v1/documents/{document}", get(documents::read));
    if let Some(package) = package {
        router = router.route("/cowrite/{*path}", get(serve_below("/cowrite", package)));
    }
    if let Some(pages) = pages {
        router = router.fallback(get(serve_below("", pages)));
    }
    Ok(router)
}

/// What operators need, and users must not reach: `/healthz`, `/readyz`, `/metrics`, and
/// what the application's servers ask for: `/v1/tokens`, `/v1/revocations`, and to delete `/v1/documents/ID`.
pub(crate) fn operator_routes() -> Router<Arc<HttpContext>> {
    Router::new()
        .route("/v1/tokens", post(tokens::mint))
        .route("/v1/documents/{document}", delete(existence::delete).put(existence::put))
        .route("/v1/revocations", get(revocations::list).post(revocations::revoke))
        .route("/healthz", get("ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

/// Puts around routes what holds for all of them: how much may be sent, what other sites'
/// pages are told, and what browsers make of the answers.
pub(crate) fn finish(routes: Router<Arc<HttpContext>>, context: Arc<HttpContext>) -> Router {
    routes
        .layer(from_fn_with_state(Arc::clone(&context), cors::answer_other_sites))
        .layer(from_fn(cors::guard_answers))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(context)
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
        arrivals: context.arrivals.inside(),
        connections: context.socket.registry.count(),
        connections_made: context.socket.registry.made(),
        rooms: context.socket.hub.rooms(),
        leases: context.socket.leases.held(),
        leases_alone: context.socket.leases.alone(),
        revocations: context.socket.revocations.count(),
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
async fn socket(
    State(context): State<Arc<HttpContext>>,
    Extension(arrival): Extension<Arc<Arrival>>,
    request: Request,
) -> Response {
    let (mut parts, _) = request.into_parts();
    if !context.origins.allows(&parts.headers) {
        context.metrics.front.connection_refused(Refused::Origin);
        return cors::foreign().into_response();
    }
    let retry = [(header::RETRY_AFTER, refusal::RETRY_SECONDS)];
    if context.draining.load(Ordering::Relaxed) {
        context.metrics.front.connection_refused(Refused::Draining);
        return (StatusCode::SERVICE_UNAVAILABLE, retry, "going down\n").into_response();
    }
    let forwarded = parts.headers.get_all(FORWARDED_FOR).iter().map(|value| value.as_bytes());
    if let Err(crowded) = arrival.forwarded(forwarded) {
        context.metrics.front.connection_refused(crowded.into());
        return match crowded {
            Crowded::Full { .. } => (StatusCode::SERVICE_UNAVAILABLE, retry, refusal::FULL).into_response(),
            Crowded::Strangers { .. } => (StatusCode::TOO_MANY_REQUESTS, retry, refusal::STRANGERS).into_response(),
        };
    }
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade.protocols([ProtocolVersion::SUBPROTOCOL]),
        Err(refused) => {
            context.metrics.front.connection_refused(Refused::Protocol);
            return refused.into_response();
        }
    };
    if upgrade.selected_protocol().is_none() {
        context.metrics.front.connection_refused(Refused::Protocol);
        return (StatusCode::BAD_REQUEST, "the subprotocol cowrite.v1 is required\n").into_response();
    }
    let limits = context.socket.limits;
    let context = Arc::clone(&context.socket);
    upgrade
        // The defaults would cost 128 KiB a connection, and every connection keeps the place to read into. What
        // clients send is small (a typed letter is 16 bytes), and what is not is read in as many steps as it takes.
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(16 << 10)
        .max_write_buffer_size(1 << 20)
        .max_message_size(limits.message_bytes as usize)
        .max_frame_size(limits.message_bytes as usize)
        // A task of its own: that of the upgrade would keep its memory as long as the socket.
        .on_upgrade(move |socket| async move { drop(tokio::spawn(serve_socket(socket, context, arrival))) })
}
