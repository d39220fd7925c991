//! One socket: two queues of frames that a test may hold, or lose one of.

use std::sync::Arc;

use cowrite_protocol::Millis;
use cowrite_protocol::codec::{decode_client, decode_server, encode_client};
use cowrite_protocol::frame::{ClientFrame, DurabilityClass, Rate, ServerFrame};
use cowrite_server::connection::{Connection, ConnectionSettings};
use cowrite_server::outbox::Outbox;
use cowrite_server::room::{ConnectionId, RoomCommand};

use super::server::Server;
use super::{BoardSettings, Frames};

/// A direction of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heading {
    /// To the server.
    Up,
    /// To the person.
    Down,
}

/// A socket, with both its ends.
pub(super) struct Line {
    pub(super) person: usize,
    pub(super) server: usize,
    pub(super) id: ConnectionId,
    pub(super) connection: Connection,
    pub(super) outbox: Arc<Outbox>,
    /// Nothing is taken from the server's queue.
    pub(super) stuck: bool,
    /// The person's end is there, and the server's.
    pub(super) near: bool,
    pub(super) far: bool,
    up: Frames,
    down: Frames,
    holds_up: bool,
    holds_down: bool,
    /// Bytes that arrive all the same, up and down.
    spare: (usize, usize),
}

impl Line {
    pub(super) fn new(number: usize, person: usize, server: usize, settings: &BoardSettings, now: Millis) -> Line {
        let outbox = Arc::new(Outbox::new(settings.queue_bytes, settings.limits.part_bytes as usize));
        // Nobody is too fast here: what is tested is order, not pace.
        let fast = Rate { per_second: 1_000_000, burst: 1_000_000 };
        let pace = ConnectionSettings { submits: fast, frames: fast, ..ConnectionSettings::default() };
        Line {
            person,
            server,
            id: ConnectionId(number as u64 + 1),
            connection: Connection::new(outbox.clone(), settings.limits, pace, DurabilityClass::None, now),
            outbox,
            stuck: false,
            near: true,
            far: true,
            up: Frames::new(),
            down: Frames::new(),
            holds_up: false,
            holds_down: false,
            spare: (0, 0),
        }
    }

    pub(super) fn set_held(&mut self, heading: Heading, held: bool) {
        match heading {
            Heading::Up => self.holds_up = held,
            Heading::Down => self.holds_down = held,
        }
    }

    pub(super) fn budget(&mut self, bytes: usize) {
        self.spare = (self.spare.0 + bytes, self.spare.1 + bytes);
    }

    /// Puts a message on the way, each frame of it by itself.
    pub(super) fn send_up(&mut self, message: &[u8]) {
        for frame in decode_client(message, message.len()) {
            let mut bytes = Vec::new();
            encode_client(&frame.expect("a client sends what can be read"), &mut bytes);
            self.up.push_back(bytes);
        }
    }

    /// Takes from the server's queue what waits there; gives whether the server has ended the
    /// connection.
    pub(super) fn fetch(&mut self, servers: &mut [Server], now: Millis, moved: &mut bool) -> bool {
        if self.stuck && self.spare.1 == 0 || !self.far {
            return false;
        }
        let taken = self.outbox.take(if self.stuck { self.spare.1 } else { 1 << 20 });
        let bytes = taken.frames.iter().map(|frame| frame.len()).sum();
        self.spare.1 = if self.stuck && bytes > 0 { self.spare.1.saturating_sub(bytes) } else { 0 };
        for (channel, permit) in &taken.closed {
            self.connection.handle_channel_closed(*channel, permit);
        }
        *moved |= !taken.frames.is_empty() || !taken.drained.is_empty();
        if !taken.drained.is_empty() {
            servers[self.server].command(RoomCommand::Drained { connection: self.id }, now);
        }
        self.down.extend(taken.frames.into_iter().map(Vec::from));
        taken.end.is_some()
    }

    /// The next frame that arrives.
    pub(super) fn next(&mut self, heading: Heading) -> Option<Vec<u8>> {
        match heading {
            Heading::Up if self.holds_up && self.far => {
                let frame = self.up.pop_front_if(|_| self.spare.0 > 0)?;
                self.spare.0 = self.spare.0.saturating_sub(frame.len());
                Some(frame)
            }
            Heading::Up if self.far => self.up.pop_front(),
            Heading::Down if !self.holds_down && self.near => self.down.pop_front(),
            _ => None,
        }
    }

    /// Whether the person has heard all that the server has said.
    pub(super) fn is_delivered(&self) -> bool {
        self.down.is_empty() && !self.holds_down
    }

    /// Both ends are gone, with all that was between them.
    pub(super) fn break_off(&mut self) {
        (self.near, self.far) = (false, false);
        self.up.clear();
        self.down.clear();
    }

    pub(super) fn waiting(&self, heading: Heading) -> Vec<&'static str> {
        self.queue(heading).iter().filter_map(|frame| name(heading, frame)).collect()
    }

    /// Loses the first frame of this name; gives whether there was one.
    pub(super) fn lose(&mut self, heading: Heading, lost: &str) -> bool {
        let at = self.queue(heading).iter().position(|frame| name(heading, frame) == Some(lost));
        let queue = match heading {
            Heading::Up => &mut self.up,
            Heading::Down => &mut self.down,
        };
        at.and_then(|at| queue.remove(at)).is_some()
    }

    fn queue(&self, heading: Heading) -> &Frames {
        match heading {
            Heading::Up => &self.up,
            Heading::Down => &self.down,
        }
    }
}

/// The name of a frame, if it is one that tests ask for.
pub(super) fn name(heading: Heading, frame: &[u8]) -> Option<&'static str> {
    match heading {
        Heading::Up => match decode_client(frame, frame.len()).next()? {
            Ok(ClientFrame::Submit(_) | ClientFrame::SubmitStill(_) | ClientFrame::SubmitCursor { .. }) => {
                Some("Submit")
            }
            Ok(ClientFrame::Open { .. }) => Some("Open"),
            _ => None,
        },
        Heading::Down => match decode_server(frame, frame.len()).next()? {
            Ok(ServerFrame::Commit(_) | ServerFrame::CommitStill(_) | ServerFrame::CommitCursor { .. }) => {
                Some("Commit")
            }
            Ok(ServerFrame::Ack { .. }) => Some("Ack"),
            Ok(ServerFrame::Reject { .. }) => Some("Reject"),
            Ok(ServerFrame::Entry { .. }) => Some("Entry"),
            Ok(ServerFrame::Composed { .. }) => Some("Composed"),
            Ok(ServerFrame::Snapshot(_)) => Some("Snapshot"),
            Ok(ServerFrame::Restored { .. }) => Some("Restored"),
            _ => None,
        },
    }
}
