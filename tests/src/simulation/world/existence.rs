//! The application deletes the document and makes it anew; and what must be true of it then.

use cowrite_protocol::DocumentType;
use cowrite_protocol::frame::Code;
use cowrite_server::oplog::{Head, ReadOutcome};
use cowrite_server::room::{Existence, ExistenceCommand};
use tokio::sync::oneshot::Receiver;
use tokio::sync::oneshot::error::TryRecvError;

use super::*;

/// What the application wants, and what the log says of it.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    open: Vec<Wish>,
    /// The head of the log, and since when.
    head: (Head, Millis),
    /// The furthest that it has ever stood: an answer may name what was lost before it came, and so may one that
    /// waited for an append whose own answer was late.
    furthest: Version,
    /// The tombstone, as long as it is the newest entry of its life.
    tombstone: Option<Version>,
    /// When the log was seen last with the document gone, and with the document there.
    gone_at: Option<Millis>,
    there_at: Option<Millis>,
    is_gone: bool,
    is_there: bool,
    /// When a wish of each kind was heard of last, or its room ended: before that its work may have begun.
    deleting_at: Option<Millis>,
    reviving_at: Option<Millis>,
    /// Until then an append may be done that nobody waits for any more, and a deletion that was given up is one.
    late_until: Millis,
    /// The one that has to be fulfilled in the calm, and whether it is.
    last: Option<(Existence, bool)>,
}

#[derive(Debug)]
struct Wish {
    wish: Existence,
    asked: Millis,
    answer: Receiver<Result<Version, Code>>,
}

/// The client_seq of the tombstone: what deletes is three entries.
const TOMBSTONE: u64 = 3;

impl World {
    /// Perhaps the application deletes the document, or makes it anew.
    pub(super) fn maybe_wish(&mut self) -> Result<(), String> {
        if self.calm || self.scenario.deletions == 0 || !self.deletion_chance.percent(self.scenario.deletions) {
            return Ok(());
        }
        // A document that is gone is made anew soon; both are asked twice now and then, at two servers.
        let anew = self.deletion_chance.percent(if self.existence.tombstone.is_some() { 75 } else { 15 });
        let wish = if anew { Existence::Alive } else { Existence::Deleted };
        let times = if self.deletion_chance.percent(20) { 2 } else { 1 };
        (0..times).try_for_each(|_| self.wish(wish))
    }

    /// Asks a server that is up.
    fn wish(&mut self, wish: Existence) -> Result<(), String> {
        let up: Vec<usize> = (0..self.servers.len()).filter(|server| self.servers[*server].up).collect();
        let Some(&server) = self.deletion_chance.pick(&up) else { return Ok(()) };
        let user = "application".parse().map_err(|error| format!("the application has no name: {error}"))?;
        let (command, answer) = ExistenceCommand::new(wish, user);
        self.existence.open.push(Wish { wish, asked: self.now, answer });
        self.servers[server].wish(&self.document, command, &mut self.chance, &mut self.next_id, self.now);
        self.pump_server(server)
    }

    /// In the calm the application wants one thing, and asks until it is so.
    pub(super) fn last_wish(&mut self) -> Result<(), String> {
        let settled = self.is_existence_settled() || self.now < self.existence.late_until;
        if !self.is_done() || !self.existence.open.is_empty() || settled {
            return Ok(());
        }
        let remains = self.scenario.undos > 0 || self.deletion_chance.percent(60);
        let drawn = if remains { Existence::Alive } else { Existence::Deleted };
        let (wish, _) = *self.existence.last.get_or_insert((drawn, false));
        self.wish(wish)
    }

    /// An append will be done in so many milliseconds, when nobody waits for it any more.
    pub(super) fn expect_late(&mut self, ms: u64) {
        self.existence.late_until = self.existence.late_until.max(self.now + ms);
    }

    pub(super) fn is_existence_settled(&self) -> bool {
        self.scenario.deletions == 0 || self.existence.last.is_some_and(|(_, done)| done)
    }

    /// What was wished last is so, and nothing has undone it.
    pub(super) fn check_last_wish(&self) -> Result<(), String> {
        let Some((wish, _)) = self.existence.last else { return Ok(()) };
        match self.existence.tombstone.is_some() == (wish == Existence::Deleted) {
            true => Ok(()),
            false => Err(format!("the last wish was {wish:?}, and the log stands at {}", self.oracle.head())),
        }
    }

    /// Answers to the application: what is said to be so was so at some moment since it was asked.
    pub(super) fn hear_wishes(&mut self) -> Result<(), String> {
        if self.existence.open.is_empty() {
            return Ok(());
        }
        for mut wish in std::mem::take(&mut self.existence.open) {
            let answer = match wish.answer.try_recv() {
                Err(TryRecvError::Empty) => {
                    self.existence.open.push(wish);
                    continue;
                }
                // The server was killed, or the room with it.
                Err(TryRecvError::Closed) => None,
                Ok(answer) => Some(answer),
            };
            let (heard, is_so, was_so) = match wish.wish {
                Existence::Deleted => (&mut self.existence.deleting_at, self.existence.is_gone, self.existence.gone_at),
                Existence::Alive => (&mut self.existence.reviving_at, self.existence.is_there, self.existence.there_at),
            };
            let so = is_so || was_so.is_some_and(|at| at >= wish.asked);
            // Who is told that a document is not made anew, is not surprised by it later.
            if !(wish.wish == Existence::Alive && matches!(answer, Some(Err(_)))) {
                *heard = Some(self.now);
            }
            match answer {
                Some(Ok(version)) if !so || version > self.existence.furthest => {
                    return Err(format!(
                        "{:?}, asked at {} ms, is said to be so at {version}, and is not: the log stands at {}",
                        wish.wish,
                        wish.asked.0,
                        self.oracle.head()
                    ));
                }
                Some(Ok(_)) if self.calm && self.existence.last.is_some() => {
                    // Where nothing was, the first letter makes it.
                    let nothing = self.oracle.head() == Version::ZERO;
                    self.existence.last = Some((if nothing { Existence::Alive } else { wish.wish }, true));
                }
                Some(Err(code)) if code != Code::Unavailable => {
                    return Err(format!("{:?} is refused: {code:?}", wish.wish));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The version below which the log loses nothing: that of the newest deletion, unless the document is gone now.
    pub(super) fn lasting(&self) -> Option<Version> {
        self.existence.tombstone.is_none().then(|| self.oracle.ended())
    }

    /// The log has lost history, and perhaps lives another life since; the document is there as before.
    pub(super) fn keep_existence(&mut self) -> Result<(), String> {
        if self.scenario.deletions > 0 {
            let opened = self.log.open_now(&self.document, None).map_err(|error| error.to_string())?;
            self.existence.head.0 = opened.head;
        }
        Ok(())
    }

    /// What the log holds now: whether the document is there, and whether it may be.
    pub(super) fn note_existence(&mut self, entries: &[Entry]) -> Result<(), String> {
        if self.scenario.deletions == 0 {
            return Ok(());
        }
        self.existence.furthest = self.existence.furthest.max(self.oracle.head());
        let opened = self.log.open_now(&self.document, None).map_err(|error| error.to_string())?;
        let (before, since) = self.existence.head;
        // Edits behind a tombstone are of another life, and one begins only if that is wished.
        if opened.head.epoch != before.epoch && before.epoch.is_some() {
            let deleted = self.existence.tombstone.take().is_some();
            // A room that meets a loss of history begins another life as well.
            if !deleted && self.rollbacks_left == self.scenario.rollbacks {
                return Err(format!("a new life begins at {}, where nothing was deleted", opened.head.version));
            }
            if deleted {
                if !self.may_be_of(Existence::Alive, since) {
                    return Err(format!("a new life begins at {}, which nobody wished", opened.head.version));
                }
                self.report.anew += 1;
                self.copies.clear();
            }
        }
        if let (Some(version), false) = (self.existence.tombstone, entries.is_empty()) {
            let snapshot = self.log.load_snapshot_now(&self.document).map(|snapshot| snapshot.head.version);
            return Err(format!(
                "entries behind the tombstone of {version}, in the life that it ended; snapshot {snapshot:?}"
            ));
        }
        let deletes = |entry: &&Entry| entry.client.is_deletion();
        let deleting = entries.iter().filter(deletes).count() as u64;
        if deleting > 0 {
            let life = opened.head.epoch.or(before.epoch);
            let own = |entry: &Entry| entry.client == ClientId::deletion(life);
            let whole = entries.len() as u64 == TOMBSTONE && deleting == TOMBSTONE && entries.iter().all(own);
            if !whole || RichText::length(self.oracle.document()).0 > 0 {
                return Err(format!("the document is deleted in part, at {}", self.oracle.head()));
            }
            if !self.may_be_of(Existence::Deleted, since) {
                return Err(format!("a deletion at {}, which nobody wished of that text", self.oracle.head()));
            }
            self.existence.tombstone = Some(self.oracle.head());
            self.oracle.end_life();
            self.copies.clear();
            self.report.deletions += 1;
        }
        if opened.head != before {
            self.existence.head = (opened.head, self.now);
        }
        let (is_there, is_gone) = match self.existence.tombstone {
            None => (true, opened.head.version == Version::ZERO),
            Some(tombstone) => (false, self.is_erased(tombstone, opened.floor)),
        };
        if is_there || std::mem::replace(&mut self.existence.is_there, is_there) {
            self.existence.there_at = Some(self.now);
        }
        if is_gone || std::mem::replace(&mut self.existence.is_gone, is_gone) {
            self.existence.gone_at = Some(self.now);
        }
        (self.existence.is_there, self.existence.is_gone) = (is_there, is_gone);
        Ok(())
    }

    /// Whether somebody has wished that of the head that stands since then.
    fn may_be_of(&self, wish: Existence, since: Millis) -> bool {
        let heard = match wish {
            Existence::Deleted => self.existence.deleting_at,
            Existence::Alive => self.existence.reviving_at,
        };
        heard.is_some_and(|at| at >= since) || self.existence.open.iter().any(|open| open.wish == wish)
    }

    /// Whether nothing of the text that this tombstone has ended can be read of the log.
    fn is_erased(&self, tombstone: Version, floor: Version) -> bool {
        let empty = |snapshot: cowrite_server::oplog::Snapshot| {
            RichText::decode(&snapshot.content, &OperationLimits::NONE).is_ok_and(|text| text.components().is_empty())
        };
        let ReadOutcome::Entries(left) = self.log.read_now(&self.document, floor, usize::MAX) else { return false };
        floor.next() >= tombstone
            && left.iter().all(|entry| entry.version >= tombstone && entry.operation.is_empty())
            && self.log.load_snapshot_now(&self.document).is_some_and(empty)
    }
}
