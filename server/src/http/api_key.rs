//! The application's servers, which present the API key.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::HttpContext;

/// The answer to who does not present the API key.
pub(super) fn refused(context: &HttpContext, headers: &HeaderMap) -> Option<Response> {
    let Some(key) = &context.api_key else {
        return Some(error(StatusCode::NOT_FOUND, "this server has no API key, so nobody may ask it this"));
    };
    let presented = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let presented = presented.and_then(|value| value.strip_prefix("Bearer "));
    if presented.is_some_and(|presented| key.is(presented)) {
        return None;
    }
    let refused = error(StatusCode::UNAUTHORIZED, "the API key is needed: Authorization: Bearer KEY");
    Some(([(header::WWW_AUTHENTICATE, "Bearer")], refused).into_response())
}

/// A refusal with its reason as a sentence.
pub(super) fn error(status: StatusCode, reason: &str) -> Response {
    json(status, &serde_json::json!({ "error": reason }))
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
