//! How a connection ends, and what it is told then.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message};
use cowrite_protocol::frame::Code;
use futures_util::Stream;
use tokio::time::timeout;

use super::SocketTask;
use crate::connection::Connection;
use crate::metrics::{Refused, Revoked};

/// How long the last words of a connection may take, in milliseconds.
const FAREWELL_MS: u64 = 2_000;

/// The close code of an [`Code`] on the WebSocket is this plus the code's number.
pub const CLOSE_CODE_BASE: u16 = 4_000;

/// How a connection ends.
pub(super) enum End {
    /// The other side is gone, or nothing can be written any more.
    Gone(&'static str),
    /// The other side takes no byte, and so not the reason either.
    Stuck,
    /// It is told why, and when to come back.
    Told(Code, u32),
}

impl SocketTask {
    /// Says the last words, where they can be heard.
    pub(super) async fn finish(&mut self, end: End) {
        let front = &self.context.metrics.front;
        match end {
            End::Gone(why) => {
                front.connection_gone();
                tracing::debug!(why, "disconnected");
            }
            End::Stuck => {
                front.connection_ended(Code::Stuck);
                tracing::debug!(code = Code::Stuck.name(), "closing");
            }
            End::Told(code, retry_after_ms) => {
                front.connection_ended(code);
                if code == Code::TokenRevoked {
                    front.revoked(Revoked::Connection);
                }
                if code == Code::TooManyConnections {
                    front.connection_refused(Refused::User);
                }
                if is_disbelief(code) {
                    front.auth_failed(code);
                    tracing::info!(code = code.name(), "not believed");
                }
                tracing::debug!(code = code.name(), retry_after_ms, "closing");
                self.farewell(code, retry_after_ms).await;
            }
        }
    }

    /// Tells why the connection ends, closes it, and waits a little for the other side.
    async fn farewell(&mut self, code: Code, retry_after_ms: u32) {
        let now = self.context.clock.now();
        let close = CloseFrame { code: close_code(code), reason: code.name().into() };
        self.writing.push(Message::Binary(Connection::farewell(code, retry_after_ms)), now);
        self.writing.push(Message::Close(Some(close)), now);
        let (socket, writing) = (&mut self.socket, &mut self.writing);
        let front = &self.context.metrics.front;
        let last_words = async {
            if poll_fn(|context| writing.poll_write(Pin::new(socket), context, front)).await.is_err() {
                return;
            }
            // Closing at once, with bytes unread, would make the system throw away what
            // was just written.
            while let Some(Ok(_)) = poll_fn(|context| Pin::new(&mut *socket).poll_next(context)).await {}
        };
        // Whoever does not take it in time goes without.
        let _ = timeout(Duration::from_millis(FAREWELL_MS), last_words).await;
    }
}

/// Whether a connection ended since its token was not believed, or not any more.
fn is_disbelief(code: Code) -> bool {
    matches!(code, Code::Unauthorized | Code::TokenExpired | Code::TokenRevoked | Code::Unavailable)
}

/// The close code on the WebSocket for a code: its number above [`CLOSE_CODE_BASE`].
pub fn close_code(code: Code) -> u16 {
    // Every code encodes as its number, in one byte.
    let number = postcard::to_allocvec(&code).ok().and_then(|bytes| bytes.first().copied());
    CLOSE_CODE_BASE + u16::from(number.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_codes_are_the_numbers_of_the_wire() {
        assert_eq!(close_code(Code::BadOperation), 4_000);
        assert_eq!(close_code(Code::Malformed), 4_024);
        assert_eq!(close_code(Code::GoingAway), 4_033);
    }
}
