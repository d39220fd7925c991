//! `/v1/revocations`: the application's servers take back what tokens say.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::HttpContext;
use super::api_key::{error, json, refused};
use crate::revocations::{Revocation, RevocationRequest, RevokeError, TokenName};

/// The largest body; the longest names fit twice.
const BODY_BYTES: usize = 4 << 10;

/// A time may be so many seconds ahead of ours: clocks differ. Tokens of a time much later would be
/// refused that are not even issued.
const AHEAD_S: u64 = 300;

/// How many are listed at most, the newest.
const LISTED: usize = 1_000;

/// What is asked for. A field that is not known is refused: what was meant to narrow a revocation
/// down must not be passed over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    user: String,
    document: Option<String>,
    token: Option<String>,
    issued_before: Option<u64>,
}

#[derive(Serialize)]
struct Done {
    /// Within so many milliseconds it is in force at all servers.
    effective_within_ms: u64,
    issued_before: u64,
}

#[derive(Serialize)]
struct Listed<'a> {
    user: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    issued_before: u64,
    at_ms: u64,
}

#[derive(Serialize)]
struct List<'a> {
    total: usize,
    revocations: Vec<Listed<'a>>,
}

/// `POST`: revokes, and answers 200 once it is stored.
pub(super) async fn revoke(State(context): State<Arc<HttpContext>>, headers: HeaderMap, body: Body) -> Response {
    if let Some(refused) = refused(&context, &headers) {
        return refused;
    }
    let Ok(body) = to_bytes(body, BODY_BYTES).await else {
        return error(StatusCode::PAYLOAD_TOO_LARGE, &format!("the body has {BODY_BYTES} bytes at most"));
    };
    let request = match read(&body, context.socket.revocations.now_ms()) {
        Ok(request) => request,
        Err(reason) => return error(StatusCode::BAD_REQUEST, &reason),
    };
    match context.socket.revocations.revoke(request).await {
        Ok(stored) => {
            let effective_within_ms = u64::try_from(context.socket.revocations.effective_within().as_millis());
            json(
                StatusCode::OK,
                &Done {
                    effective_within_ms: effective_within_ms.unwrap_or(u64::MAX),
                    issued_before: stored.issued_before,
                },
            )
        }
        Err(full @ RevokeError::UserFull { .. }) => error(StatusCode::CONFLICT, &full.to_string()),
        Err(trouble) => {
            tracing::error!(%trouble, "a revocation was asked for and is not stored");
            let answer = error(StatusCode::SERVICE_UNAVAILABLE, &trouble.to_string());
            ([(header::RETRY_AFTER, "1")], answer).into_response()
        }
    }
}

/// `GET`: the newest of those that are in force here.
pub(super) async fn list(State(context): State<Arc<HttpContext>>, headers: HeaderMap) -> Response {
    if let Some(refused) = refused(&context, &headers) {
        return refused;
    }
    let all = context.socket.revocations.list();
    let newest = &all[all.len().saturating_sub(LISTED)..];
    json(StatusCode::OK, &List { total: all.len(), revocations: newest.iter().map(listed).collect() })
}

fn read(body: &[u8], now_ms: u64) -> Result<RevocationRequest, String> {
    let asked: Asked = serde_json::from_slice(body).map_err(|error| format!("not a revocation: {error}"))?;
    let user = asked.user.parse().map_err(|error| format!("user: {error}"))?;
    let document = asked.document.map(|id| id.parse()).transpose().map_err(|error| format!("document: {error}"))?;
    let token = asked.token.map(|token| token.parse::<TokenName>()).transpose();
    let token = token.map_err(|error| format!("token: {error}"))?;
    let latest = now_ms / 1_000 + AHEAD_S;
    if let Some(issued_before) = asked.issued_before.filter(|seconds| *seconds > latest) {
        return Err(format!(
            "issued_before: {issued_before} is in the future; it is in seconds since 1970, {latest} at most"
        ));
    }
    Ok(RevocationRequest { user, document, token, issued_before: asked.issued_before })
}

fn listed(revocation: &Revocation) -> Listed<'_> {
    Listed {
        user: revocation.user.as_str(),
        document: revocation.document.as_ref().map(|document| document.as_str()),
        token: revocation.token.as_ref().map(TokenName::as_str),
        issued_before: revocation.issued_before,
        at_ms: revocation.at_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_understood_whole_is_taken() {
        let now_ms = 1_700_000_000_000;
        let read = |body: &str| read(body.as_bytes(), now_ms);
        let whole = read(r#"{"user":"ada","document":"notes","token":"t-1","issued_before":1700000000}"#).unwrap();
        assert_eq!((whole.user.as_str(), whole.issued_before), ("ada", Some(1_700_000_000)));
        assert!(read(r#"{"user":"ada"}"#).unwrap().document.is_none());
        for bad in [
            "",
            "[]",
            "{}",
            r#"{"user":""}"#,
            r#"{"user":"a\u0000"}"#,
            r#"{"user":"ada","document":"../x"}"#,
            r#"{"user":"ada","document":"{x}"}"#,
            r#"{"user":"ada","documnet":"notes"}"#,
            r#"{"user":"ada","token":""}"#,
            r#"{"user":"ada","token":"a\u001fb"}"#,
            r#"{"user":"ada","issued_before":-1}"#,
            r#"{"user":"ada","issued_before":1700000000000}"#,
            r#"{"user":"ada","user":"bob"}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
