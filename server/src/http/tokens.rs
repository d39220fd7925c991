//! `POST /v1/tokens`: the application's servers have tokens minted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cowrite_protocol::UserId;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::HttpContext;
use crate::auth::{ApiKey, DocumentPattern, MintError, Minter, Minting, RoleName};
use crate::metrics::FrontMetrics;

/// Mints for who shows the key.
pub(crate) struct TokenDesk {
    /// The key to show.
    pub(crate) api_key: ApiKey,
    /// What signs.
    pub(crate) minter: Minter,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    user: UserId,
    #[serde(default)]
    name: String,
    #[serde(default)]
    documents: BTreeMap<String, RoleName>,
    for_ms: Option<u64>,
}

#[derive(Serialize)]
struct Minted {
    token: String,
    expires_in_ms: u64,
}

/// Bytes of a request.
const MOST_BYTES: usize = 64 << 10;

/// How long a request may take to arrive.
const WITHIN: Duration = Duration::from_secs(5);

/// How long a token is good for, unless the request says so: short, since it is made for one visit.
const LASTS: Duration = Duration::from_secs(15 * 60);

/// A token for one user and some documents. 404 if this server mints none, 401 without the key.
pub(super) async fn mint(State(context): State<Arc<HttpContext>>, request: Request) -> Response {
    let Some(desk) = &context.tokens else {
        let missing =
            "this server mints no tokens: it needs an API key and a secret (COWRITE_API_KEY, COWRITE_JWT_SECRET)\n";
        return (StatusCode::NOT_FOUND, missing).into_response();
    };
    let (parts, body) = request.into_parts();
    // Before anything is read: strangers are not listened to.
    if !shows(&parts.headers, &desk.api_key) {
        let how = [(header::WWW_AUTHENTICATE, "Bearer")];
        return (StatusCode::UNAUTHORIZED, how, "the header `authorization: Bearer KEY` is needed\n").into_response();
    }
    match minted(desk, body, &context.metrics.front).await {
        Ok(minted) => {
            let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
            (headers, minted).into_response()
        }
        Err((status, why)) => (status, format!("{why}\n")).into_response(),
    }
}

async fn minted(desk: &TokenDesk, body: Body, metrics: &FrontMetrics) -> Result<String, (StatusCode, String)> {
    let bad = |why: String| (StatusCode::BAD_REQUEST, why);
    let late = |_| (StatusCode::REQUEST_TIMEOUT, "the request did not arrive in time".to_owned());
    let large = |_| (StatusCode::PAYLOAD_TOO_LARGE, format!("a request has at most {MOST_BYTES} bytes"));
    let body = timeout(WITHIN, to_bytes(body, MOST_BYTES)).await.map_err(late)?.map_err(large)?;
    let wanted: Wanted = serde_json::from_slice(&body).map_err(|error| bad(error.to_string()))?;
    let lasts = wanted.for_ms.map_or(LASTS, Duration::from_millis);
    let documents = wanted.documents.into_iter().map(|(pattern, role)| {
        let pattern = pattern.parse::<DocumentPattern>().map_err(|error| bad(error.to_string()))?;
        Ok((pattern, role.0))
    });
    let documents = documents.collect::<Result<_, _>>()?;
    let minting = Minting { user: wanted.user, name: wanted.name, documents, lasts };
    let token = desk.minter.mint(&minting).map_err(|error| match error {
        MintError::Failed => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        error => bad(error.to_string()),
    })?;
    metrics.token_minted();
    let minted = Minted { token, expires_in_ms: lasts.as_secs() * 1_000 };
    serde_json::to_string(&minted).map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

/// Whether a request shows the key, once.
pub(super) fn shows(headers: &HeaderMap, key: &ApiKey) -> bool {
    let mut shown = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(one), None) = (shown.next(), shown.next()) else { return false };
    let offered = one.to_str().ok().and_then(|value| value.split_once(' '));
    offered.is_some_and(|(scheme, offered)| scheme.eq_ignore_ascii_case("bearer") && key.is(offered))
}
