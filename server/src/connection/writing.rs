//! What is on its way into one socket.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::ws::{Message, WebSocket};
use bytes::{Bytes, BytesMut};
use cowrite_protocol::Millis;
use futures_util::Sink;

use crate::metrics::FrontMetrics;

/// Messages that the socket has not taken to the last byte.
#[derive(Debug)]
pub(super) struct Writing {
    messages: VecDeque<Message>,
    /// Since when the socket has something that it did not take.
    since: Option<Millis>,
}

impl Default for Writing {
    /// Nothing, with room for one message: mostly no more wait, and a queue would begin with four places.
    fn default() -> Writing {
        Writing { messages: VecDeque::with_capacity(1), since: None }
    }
}

impl Writing {
    /// Whether the socket has taken everything.
    pub(super) fn is_idle(&self) -> bool {
        self.since.is_none()
    }

    /// Since when it has not.
    pub(super) fn since(&self) -> Option<Millis> {
        self.since
    }

    /// Queues a message.
    pub(super) fn push(&mut self, message: Message, now: Millis) {
        self.messages.push_back(message);
        self.since.get_or_insert(now);
    }

    /// Queues frames, as few messages as fit into `most` bytes each. A single frame, the
    /// one that a room's connections share, is not copied.
    pub(super) fn push_frames(&mut self, frames: Vec<Bytes>, most: usize, now: Millis) {
        let mut joined = BytesMut::new();
        let mut rest = frames.into_iter().peekable();
        while let Some(frame) = rest.next() {
            let fits_next = rest.peek().is_some_and(|next| joined.len() + frame.len() + next.len() <= most);
            if joined.is_empty() && !fits_next {
                self.push(Message::Binary(frame), now);
                continue;
            }
            joined.extend_from_slice(&frame);
            if !fits_next {
                self.push(Message::Binary(joined.split().freeze()), now);
            }
        }
    }

    /// Writes on. Ready when the socket has taken everything, or can take no more for good.
    pub(super) fn poll_write(
        &mut self,
        mut socket: Pin<&mut WebSocket>,
        context: &mut Context<'_>,
        front: &FrontMetrics,
    ) -> Poll<Result<(), axum::Error>> {
        while !self.messages.is_empty() {
            ready!(socket.as_mut().poll_ready(context))?;
            if let Some(message) = self.messages.pop_front() {
                if let Message::Binary(bytes) = &message {
                    front.message_sent(bytes.len());
                }
                socket.as_mut().start_send(message)?;
            }
        }
        ready!(socket.poll_flush(context))?;
        self.since = None;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_share_messages_as_far_as_they_fit() {
        let mut writing = Writing::default();
        let frames = [3, 4, 3, 11, 2, 9, 1].map(|size| Bytes::from(vec![7; size]));
        let whole: usize = frames.iter().map(Bytes::len).sum();
        writing.push_frames(frames.into(), 10, Millis(5));
        let sizes: Vec<usize> = writing
            .messages
            .iter()
            .map(|message| match message {
                Message::Binary(bytes) => bytes.len(),
                _ => 0,
            })
            .collect();
        assert_eq!(sizes, [10, 11, 2, 10]);
        assert_eq!(sizes.iter().sum::<usize>(), whole);
        assert_eq!(writing.since(), Some(Millis(5)));
    }
}
