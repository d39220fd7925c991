//! A document as it is, over HTTP: for the application's servers, exports and previews.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cowrite_protocol::frame::Code;
use cowrite_protocol::{DocumentId, Millis};
use tokio::sync::oneshot;
use tokio::time::{Duration, timeout};

use super::HttpContext;
use crate::auth::{Denied, Permit};
use crate::room::{ExportCommand, Exported, RoomCommand};

/// So many documents are written out at a time: each is in memory as a whole meanwhile.
pub(crate) const EXPORTS: usize = 8;

/// Loading a document takes this long at most, or the caller is asked to come back.
const PATIENCE: Duration = Duration::from_secs(10);

/// `GET /v1/documents/{id}` with `Authorization: Bearer TOKEN`, the same token as a client's:
/// `{"document": …, "version": …, "content": …}`. Whoever may open the document may read it.
pub(super) async fn read(
    State(context): State<Arc<HttpContext>>,
    Path(document): Path<String>,
    headers: HeaderMap,
) -> Response {
    match export(&context, &document, &headers).await {
        Ok((document, exported)) => {
            // An id needs no escaping in JSON: its characters are few.
            let body = format!(
                "{{\"document\":\"{document}\",\"version\":{},\"content\":{}}}\n",
                exported.version, exported.content
            );
            let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
            (headers, body).into_response()
        }
        Err(denied) => refusal(denied),
    }
}

async fn export(context: &HttpContext, document: &str, headers: &HeaderMap) -> Result<(DocumentId, Exported), Denied> {
    let document: DocumentId = document.parse().map_err(|_| Code::BadDocumentId)?;
    let socket = &context.socket;
    let identity = socket.access.authenticate(bearer(headers).ok_or(Code::Unauthorized)?).await?;
    let granted = socket.access.role(&identity, &document).await?;
    let lasts = [granted.for_ms, identity.lasts_ms].into_iter().flatten().min();
    let until = lasts.map_or(Millis(u64::MAX), |ms| socket.clock.now() + ms);
    let permit = Permit::new(granted.role, until);
    let room = socket.hub.open(&document)?;
    let (answer, answered) = oneshot::channel();
    let ask = async {
        let _turn = context.exports.acquire().await.ok()?;
        room.commands.send(RoomCommand::Export(Box::new(ExportCommand { permit, answer }))).await.ok()?;
        answered.await.ok()
    };
    let busy = Denied { code: Code::Unavailable, retry_after_ms: 1_000 };
    let exported = timeout(PATIENCE, ask).await.ok().flatten().ok_or(busy)?;
    Ok((document, exported?))
}

/// The token of a request, if it bears exactly one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(only), None) = (all.next(), all.next()) else { return None };
    only.to_str().ok()?.strip_prefix("Bearer ")
}

fn refusal(denied: Denied) -> Response {
    let status = match denied.code {
        Code::Unauthorized | Code::TokenExpired | Code::TokenRevoked => StatusCode::UNAUTHORIZED,
        Code::AccessDenied => StatusCode::FORBIDDEN,
        Code::BadDocumentId => StatusCode::BAD_REQUEST,
        Code::Deleted => StatusCode::GONE,
        Code::Damaged => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = format!("{{\"error\":\"{}\"}}\n", denied.code.name());
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    let seconds = denied.retry_after_ms.div_ceil(1_000);
    if seconds > 0 {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, axum::http::HeaderValue::from_static("Bearer"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_and_bears_its_name() {
        let bears = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(bears(&["Bearer a.b.c"]), Some("a.b.c".to_owned()));
        for bad in [&[][..], &["Basic a"], &["Bearer a", "Bearer b"], &["bearer"]] {
            assert_eq!(bears(bad), None, "{bad:?}");
        }
    }
}
