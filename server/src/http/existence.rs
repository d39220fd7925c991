//! `/v1/documents/ID` for the application's servers: a document is deleted, or made anew.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cowrite_protocol::frame::Code;
use cowrite_protocol::{DocumentId, UserId, Version};
use serde::Serialize;
use tokio::time::{Duration, timeout};

use super::HttpContext;
use super::api_key::{error, json, refused};
use crate::auth::Denied;
use crate::room::{Existence, ExistenceCommand, RoomCommand};

/// It takes this long at most, or the caller is asked to come back. What was begun may be done all the same.
const PATIENCE: Duration = Duration::from_secs(10);

/// The user who is the author of a deletion.
const AUTHOR: &str = "application";

#[derive(Serialize)]
struct Done<'a> {
    document: &'a str,
    /// The version at which it is so.
    version: u64,
    deleted: bool,
}

/// `DELETE /v1/documents/{id}` with `Authorization: Bearer KEY`, the API key: answers 200 once the text and its history
/// are gone from the log, and nobody can write the document any more. Asked again, it answers the same.
pub(super) async fn delete(
    State(context): State<Arc<HttpContext>>,
    Path(document): Path<String>,
    headers: HeaderMap,
) -> Response {
    make_so(&context, &document, &headers, Existence::Deleted).await
}

/// `PUT`, likewise: makes a deleted document anew, empty, in a new life of its log. One that is there stays as it is.
pub(super) async fn put(
    State(context): State<Arc<HttpContext>>,
    Path(document): Path<String>,
    headers: HeaderMap,
) -> Response {
    make_so(&context, &document, &headers, Existence::Alive).await
}

async fn make_so(context: &HttpContext, document: &str, headers: &HeaderMap, wish: Existence) -> Response {
    if let Some(refused) = refused(context, headers) {
        return refused;
    }
    let Ok(document) = document.parse::<DocumentId>() else {
        return error(StatusCode::BAD_REQUEST, Code::BadDocumentId.name());
    };
    match ask(context, &document, wish).await {
        Ok(version) => {
            let deleted = wish == Existence::Deleted;
            json(StatusCode::OK, &Done { document: document.as_str(), version: version.get(), deleted })
        }
        Err(Denied { code: Code::Damaged, .. }) => error(StatusCode::INTERNAL_SERVER_ERROR, Code::Damaged.name()),
        Err(denied) => {
            let answer = error(StatusCode::SERVICE_UNAVAILABLE, denied.code.name());
            ([(header::RETRY_AFTER, "1")], answer).into_response()
        }
    }
}

async fn ask(context: &HttpContext, document: &DocumentId, wish: Existence) -> Result<Version, Denied> {
    let user: UserId = AUTHOR.parse().map_err(|_| Code::Internal)?;
    let room = context.socket.hub.open(document)?;
    let (command, answered) = ExistenceCommand::new(wish, user);
    let ask = async {
        room.commands.send(RoomCommand::Existence(Box::new(command))).await.ok()?;
        answered.await.ok()
    };
    let busy = Denied { code: Code::Unavailable, retry_after_ms: 1_000 };
    Ok(timeout(PATIENCE, ask).await.ok().flatten().ok_or(busy)??)
}
