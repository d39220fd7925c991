//! Frames to the engines that they concern.

use cowrite_protocol::codec::decode_server;
use cowrite_protocol::frame::{Activity, ClientFrame, Code, Opened, Remedy, ServerFrame};
use cowrite_protocol::{Channel, DocumentType};

use super::{OpenChannel, OpenDocument, Session};
use crate::engine::AuthorCaret;
use cowrite_protocol::Millis;

/// The server's messages are as large as its own limits say, and those may be newer
/// than what we know: only what no message ever is, is refused.
const MESSAGE_LIMIT: usize = 16 << 20;
const TRANSFER_LIMIT: u32 = 1 << 30;

impl<D: DocumentType> Session<D> {
    /// The socket delivered a message.
    pub fn handle_message(&mut self, message: &[u8], now: Millis) {
        if !self.link.is_connected() {
            return;
        }
        self.heard(now);
        for frame in decode_server(message, MESSAGE_LIMIT) {
            match frame {
                // A frame may end the connection; nothing follows it.
                _ if !self.link.is_connected() => return,
                Ok(frame) => self.handle_frame(frame, now),
                Err(_) => return self.give_up(now),
            }
        }
        self.pump(now);
    }

    fn handle_frame(&mut self, frame: ServerFrame<'_>, now: Millis) {
        match frame {
            ServerFrame::Welcome(welcome) => self.handle_welcome(welcome, now),
            ServerFrame::Error { code, retry_after_ms, .. } => self.handle_error(code, retry_after_ms, now),
            ServerFrame::Terms(terms) => self.handle_terms(&terms, now),
            ServerFrame::Pong => {}
            ServerFrame::GoAway { spread_ms } => self.handle_go_away(spread_ms, now),
            ServerFrame::Opened(opened) => self.handle_opened(&opened, now),
            ServerFrame::OpenRefused { request, code, retry_after_ms } => {
                self.abandoned.retain(|(abandoned, _)| *abandoned != request);
                let wait = u64::from(retry_after_ms);
                let random = &mut self.random;
                let Some(open) = self.documents.iter_mut().find(|open| open.is_request(request)) else { return };
                open.request = None;
                match code.remedy() {
                    Remedy::Stop => open.engine.close(code),
                    Remedy::NewClientId => {
                        open.engine.handle_closed(code, retry_after_ms, now);
                    }
                    Remedy::Retry | Remedy::RefreshToken => {
                        open.open_at = Some(now + open.open_backoff.next_wait(random, wait));
                    }
                }
            }
            ServerFrame::Part { channel, total, bytes } => {
                let Some(open) = self.on_channel(channel) else { return };
                let Some(on) = &mut open.channel else { return };
                match on.parts.take(channel, total, bytes.0, TRANSFER_LIMIT) {
                    Ok(None) => {}
                    Ok(Some(whole)) => {
                        for frame in decode_server(&whole, whole.len()) {
                            match frame {
                                Ok(ServerFrame::Part { .. }) | Err(_) => return self.give_up(now),
                                Ok(frame) => self.handle_frame(frame, now),
                            }
                        }
                    }
                    Err(_) => self.give_up(now),
                }
            }
            ServerFrame::Closed { channel, code, retry_after_ms } => {
                if let Some(open) = self.on_channel(channel) {
                    open.channel = None;
                    open.engine.handle_closed(code, retry_after_ms, now);
                }
            }
            frame => self.handle_channel_frame(frame, now),
        }
    }

    fn handle_opened(&mut self, opened: &Opened, now: Millis) {
        let Some(open) = self.documents.iter_mut().find(|open| open.is_request(opened.request)) else {
            self.abandoned.retain(|(request, _)| *request != opened.request);
            return self.send(&ClientFrame::Close { channel: opened.channel });
        };
        open.request = None;
        open.opened_at = now;
        // What the channel carried last, as far as both sides know: the seq that the log
        // holds, and the version that we said we stand at.
        open.channel = Some(OpenChannel {
            number: opened.channel,
            last_seq: opened.last_seq.get(),
            last_base: open.engine.version(),
            parts: Default::default(),
        });
        // What was said since the `Open`, and that one is not active, the room does not know.
        open.presence_changed |= open.activity != Activity::Active;
        open.engine.handle_opened(opened, now);
    }

    fn handle_channel_frame(&mut self, frame: ServerFrame<'_>, now: Millis) {
        if let ServerFrame::Busy { code: Code::RateLimited, .. } = frame {
            // The rate is one for all documents.
            self.pace.submits.empty(now);
        }
        let Some(channel) = channel_of(&frame) else { return };
        let Some(open) = self.on_channel(channel) else { return };
        let engine = &mut open.engine;
        if !engine.is_listening() {
            return;
        }
        match frame {
            ServerFrame::Author { author, .. } => engine.handle_author(author),
            ServerFrame::Commit(commit) => engine.handle_commit(&commit, AuthorCaret::Implied, now),
            ServerFrame::CommitStill(commit) => engine.handle_commit(&commit, AuthorCaret::Still, now),
            ServerFrame::CommitCursor { cursor, commit } => engine.handle_commit(&commit, AuthorCaret::At(cursor), now),
            ServerFrame::Entry { version, client, seq, user, operation, .. } => {
                engine.handle_entry(version, &client, seq, user, operation, now);
            }
            ServerFrame::Ack { seq, version, hash, .. } => engine.handle_ack(seq, version, hash, now),
            ServerFrame::Reject { seq, code, .. } => engine.handle_reject(seq, code, now),
            ServerFrame::Busy { seq, retry_after_ms, .. } => engine.handle_busy(seq, retry_after_ms, now),
            ServerFrame::Composed { version, hash, checksum, authors, operation, .. } => {
                engine.handle_composed(version, hash, checksum, authors, operation, now);
            }
            ServerFrame::Snapshot(snapshot) => {
                // Numbers travel over the version of the text that was loaded.
                if let Some(on) = &mut open.channel {
                    on.last_base = snapshot.version;
                }
                engine.handle_snapshot(snapshot, now);
            }
            ServerFrame::Durable { version, .. } => engine.handle_durable(version),
            ServerFrame::Stalled { stalled, .. } => engine.handle_stalled(stalled, now),
            ServerFrame::Members { changes, .. } => engine.handle_members(changes),
            ServerFrame::Cursors { version, cursors, .. } => engine.handle_cursors(version, cursors),
            ServerFrame::Verified { version, .. } => engine.handle_verified(version),
            ServerFrame::Restored { refused, .. } => engine.handle_restored(refused),
            _ => {}
        }
    }

    fn on_channel(&mut self, channel: Channel) -> Option<&mut OpenDocument<D>> {
        self.documents.iter_mut().find(|open| open.channel.as_ref().is_some_and(|on| on.number == channel))
    }
}

impl<D: DocumentType> OpenDocument<D> {
    fn is_request(&self, request: u32) -> bool {
        self.request.is_some_and(|(sent, _)| sent == request)
    }
}

fn channel_of(frame: &ServerFrame<'_>) -> Option<Channel> {
    match frame {
        ServerFrame::Author { channel, .. }
        | ServerFrame::CommitCursor { commit: cowrite_protocol::frame::Commit { channel, .. }, .. }
        | ServerFrame::Entry { channel, .. }
        | ServerFrame::Ack { channel, .. }
        | ServerFrame::Reject { channel, .. }
        | ServerFrame::Busy { channel, .. }
        | ServerFrame::Composed { channel, .. }
        | ServerFrame::Durable { channel, .. }
        | ServerFrame::Stalled { channel, .. }
        | ServerFrame::Members { channel, .. }
        | ServerFrame::Cursors { channel, .. }
        | ServerFrame::Verified { channel, .. }
        | ServerFrame::Restored { channel, .. } => Some(*channel),
        ServerFrame::Commit(commit) | ServerFrame::CommitStill(commit) => Some(commit.channel),
        ServerFrame::Snapshot(snapshot) => Some(snapshot.channel),
        _ => None,
    }
}
