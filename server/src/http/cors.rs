//! What browsers are told of other sites' pages that ask for `/v1/…`, and which of them are
//! answered at all.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{HttpContext, SOCKET};
use crate::metrics::Refused;

/// What a page may send beside what every page may.
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type");

/// What a page may ask by.
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE");

/// What a page may read of the answer beside what every page may.
const ANSWER_HEADERS: HeaderValue = HeaderValue::from_static("retry-after");

/// How long a browser may keep what it was told, in seconds.
const KEPT_SECONDS: HeaderValue = HeaderValue::from_static("600");

/// Answers for `/v1/…` what a browser asks before a page of another site may ask, and turns
/// away who comes from a site that is not allowed. Nothing is ever allowed to every site, and
/// no cookies are asked for: who asks says who they are by a token.
///
/// The socket has an answer of its own, since browsers ask nothing before they open one.
pub(super) async fn answer_other_sites(
    State(context): State<Arc<HttpContext>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if !path.starts_with("/v1/") || path == SOCKET {
        return next.run(request).await;
    }
    if !context.origins.allows(request.headers()) {
        context.metrics.front.connection_refused(Refused::Origin);
        return foreign().into_response();
    }
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else { return next.run(request).await };
    let asks_before = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if request.method() == Method::OPTIONS && asks_before {
        let mut response = StatusCode::NO_CONTENT.into_response();
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, KEPT_SECONDS);
        response
    } else {
        next.run(request).await
    };
    allow(response.headers_mut(), origin);
    response
}

/// What a page is told that is not allowed.
pub(super) fn foreign() -> (StatusCode, &'static str) {
    (StatusCode::FORBIDDEN, "this server does not talk to pages of this origin; see --allowed-origins\n")
}

/// Says of every answer that it is what its type says, and of what `/v1/…` answers that
/// nobody keeps it.
pub(super) async fn guard_answers(request: Request, next: Next) -> Response {
    let is_answer = request.uri().path().starts_with("/v1/");
    let mut response = next.run(request).await;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return response;
    }
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    if is_answer {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
    // What is said to one origin is not said to another.
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}
