//! How a room reads on behind its head.

use cowrite_protocol::frame::Code;
use cowrite_protocol::{DocumentType, Epoch, Millis};

use super::loading::{Phase, RETRY_MS};
use super::{LogRequest, Purpose, Room};
use crate::oplog::{Entry, Head, LogError, ReadOutcome};
use crate::sequencer::Obstacle;

/// The reading of what the log holds beyond the room's head.
#[derive(Debug, Default)]
pub(super) struct Following {
    /// A read is under way, or one that has failed will be tried again; no append starts meanwhile.
    under_way: bool,
    /// It is to begin once the append that is under way has ended.
    wanted: bool,
    /// It has failed, and is tried again then.
    retry_at: Option<Millis>,
    /// Where the log said that it stands, beyond us.
    to: Option<Head>,
    /// What was read on the way there. Only the hash at its end shows whose history it is, so
    /// nothing of it is taken before.
    ahead: Vec<Entry>,
}

/// How many pages are held until they have led to the head that was named; who is further
/// behind loads the document anew.
const PAGES_AHEAD: usize = 8;

impl Following {
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way
    }

    pub(super) fn poll_timeout(&self) -> Option<Millis> {
        self.retry_at
    }

    #[cfg(test)]
    pub(super) fn under_way() -> Following {
        Following { under_way: true, ..Following::default() }
    }
}

impl<D: DocumentType> Room<D> {
    /// Reads what lies behind our head, up to where the log said that it stands. If it has not
    /// said so it is asked: what is read is only taken if it leads to a head that was named.
    pub(super) fn follow(&mut self) {
        if self.sequencer.is_appending() {
            // The append's answer may bring what is missing; if not, it is read then.
            self.following.wanted = true;
            return;
        }
        if self.following.under_way {
            return;
        }
        let known = self.sequencer.head().version;
        if self.following.to.is_none_or(|to| to.version <= known) {
            return self.look_again();
        }
        self.following.under_way = true;
        let after = self.following.ahead.last().map_or(known, |entry| entry.version);
        self.ask(Purpose::Follow, LogRequest::Read { after, max_bytes: self.settings.read_bytes });
    }

    /// Reads what lies behind our head, up to where the log said that it stands.
    pub(super) fn follow_to(&mut self, head: Head) {
        // A lower head may be of another moment than what has been read on the way to the higher.
        if self.following.to.is_none_or(|to| to.version < head.version) {
            self.following.to = Some(head);
        }
        self.follow();
    }

    /// The append that was under way has ended; perhaps it named where the log stands.
    pub(super) fn follow_after_append(&mut self, head: Option<Head>) {
        match head {
            Some(head) => self.follow_to(head),
            None if self.following.wanted => self.follow(),
            None => {}
        }
        self.following.wanted = false;
    }

    /// Time has passed.
    pub(super) fn follow_on_time(&mut self, now: Millis) {
        if self.following.retry_at.take_if(|at| *at <= now).is_some() {
            self.following.under_way = false;
            self.follow();
        }
    }

    pub(super) fn followed(&mut self, read: Result<ReadOutcome, LogError>, now: Millis) {
        self.following.under_way = false;
        match read {
            Ok(ReadOutcome::Entries(entries)) if entries.is_empty() => {
                self.following.to = None;
                if !self.following.ahead.is_empty() {
                    self.load_instead();
                } else if self.is_log_behind() {
                    // Somebody was told of a head that the log no longer reaches.
                    self.ask_again();
                }
            }
            Ok(ReadOutcome::Entries(entries)) => self.read_ahead(entries, now),
            // Nothing is lost: we are so far behind that only a snapshot leads on. Should
            // the history be another, loading shows it.
            Ok(ReadOutcome::BelowFloor { .. }) => self.load_instead(),
            Err(LogError::Damaged { reason }) if self.following.ahead.is_empty() => self.quarantine(&reason),
            Err(LogError::Damaged { .. }) => self.load_instead(),
            Err(error) => {
                tracing::debug!(document = %self.document, %error, "cannot follow the log");
                // Whoever waits for what cannot be read would have it read again at once; and
                // an append would only meet what we cannot read.
                self.refuse_opens(Code::Unavailable, RETRY_MS);
                self.following.under_way = true;
                self.following.retry_at = Some(now + u64::from(RETRY_MS) / 4);
            }
        }
    }

    /// The next page has come.
    fn read_ahead(&mut self, entries: Vec<Entry>, now: Millis) {
        let (Some(epoch), Some(to)) = (self.sequencer.head().epoch, self.following.to) else {
            // Which life began we cannot know from entries alone. To load anew would
            // leave out whoever has the empty document open.
            self.following.ahead.clear();
            return self.look(now);
        };
        self.following.ahead.extend(entries);
        let ahead = &self.following.ahead;
        if ahead.last().is_some_and(|last| last.version < to.version) {
            let bytes: usize = ahead.iter().map(|entry| entry.operation.len()).sum();
            return match bytes < PAGES_AHEAD * self.settings.read_bytes {
                true => self.follow(),
                false => self.load_instead(),
            };
        }
        let ahead = std::mem::take(&mut self.following.ahead);
        if let Err(obstacle) = self.take(Some(epoch), ahead, Some(to)) {
            self.meet(obstacle);
        }
        if self.phase == Phase::Open && !self.quarantined {
            // More may have come since the log named that head.
            self.look_again();
        }
    }

    /// What is stored leads to where the log stands, and what lies behind our head does not.
    fn load_instead(&mut self) {
        self.end_all(Code::Unavailable);
        self.load();
    }

    pub(super) fn take(
        &mut self,
        epoch: Option<Epoch>,
        entries: Vec<Entry>,
        known: Option<Head>,
    ) -> Result<(), Obstacle> {
        let mut rulings = Vec::new();
        let before = self.sequencer.head().version;
        let taken = self.sequencer.take_entries(epoch, entries, known, &mut rulings);
        self.meter.received(self.sequencer.head().version.since(before));
        self.after_entries(rulings);
        if taken.is_ok() && self.sequencer.head().version > before {
            self.end_quarantine();
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use cowrite_protocol::frame::Role;
    use cowrite_protocol::operation::{Document, Operation};
    use cowrite_protocol::{Channel, ClientId, ClientSeq, Generation, Limits, RichText, RunningHash, Version};

    use super::*;
    use crate::auth::Permit;
    use crate::metrics::Trail;
    use crate::oplog::{AppendOutcome, Batch, OpenedLog};
    use crate::room::{LogAnswer, LogTicket, RoomOutput, RoomSettings};
    use crate::sequencer::{Sequencer, Submission, SubmissionId, SubmittedCaret};

    /// A page holds two entries of the size that is used here.
    const PAGE: usize = 4;

    #[test]
    fn pages_on_the_way_to_another_historys_head_are_not_taken() {
        let log = history("abcdefghi");
        let mut room = room(&history("abX"));
        look(&mut room, &log);
        for after in [3, 5, 7] {
            assert_eq!((room.phase, text(&room)), (Phase::Open, "Xba".to_owned()));
            read(&mut room, after as u64, Ok(&log[after..after + 2]));
        }
        assert_eq!((room.phase, text(&room)), (Phase::Loading { head: None }, "Xba".to_owned()));
        assert_eq!(room.lost_epoch, epoch());
    }

    #[test]
    fn pages_are_taken_together_once_they_lead_to_the_head() {
        let log = history("abcdefghi");
        let mut room = room(&log[..3]);
        look(&mut room, &log[..7]);
        read(&mut room, 3, Ok(&log[3..5]));
        assert_eq!(text(&room), "cba");
        // A lower head, of a history that was lost since, changes nothing; and the log has grown.
        room.follow_to(head(&history("abcX")));
        read(&mut room, 5, Ok(&log[5..]));
        assert_eq!((room.phase, text(&room)), (Phase::Open, "ihgfedcba".to_owned()));
        assert_eq!(asked(&mut room).map(|(_, after)| after), Some(None), "it asks where the log stands now");
    }

    #[test]
    fn who_is_too_far_behind_or_does_not_get_there_loads_anew() {
        let log = history("abcdefghijklmnopqrstuvwxyz");
        let damaged = Err(LogError::Damaged { reason: "a bad sector".to_owned() });
        for last in [damaged, Ok(&log[..0]), Ok(&log[4..25])] {
            let mut room = room(&log[..1]);
            look(&mut room, &log);
            read(&mut room, 1, Ok(&log[1..4]));
            read(&mut room, 4, last);
            assert_eq!((room.phase, text(&room)), (Phase::Loading { head: None }, "a".to_owned()));
            assert_eq!(room.lost_epoch, None, "the history may well be the same");
        }
    }

    #[test]
    fn on_the_way_to_one_life_the_next_ones_entries_are_not_taken() {
        let mut room = room(&[]);
        look(&mut room, &history("abcd"));
        let (_, read) = asked(&mut room).unwrap();
        assert_eq!((read, room.sequencer.head().epoch), (Some(0), epoch()));
        // Before the page comes the document is deleted and made anew, and the log is asked once more.
        room.look_again();
        let (ticket, _) = asked(&mut room).unwrap();
        let next = Head { epoch: Some(Epoch::from_random(6)), ..head(&history("abcdefg")) };
        let opened = OpenedLog { head: next, floor: Version::ZERO, client: None };
        room.handle_log(ticket, LogAnswer::Opened(Ok(opened)), Millis(2));
        assert_eq!(room.phase, Phase::Loading { head: None });
    }

    #[test]
    fn an_append_that_began_a_life_is_not_held_against_the_next_one() {
        let mut room = room(&[]);
        room.sequencer = Sequencer::new(Limits::default(), Head::default(), Document::default());
        let (append, batch) = append(&mut room, "a");
        // The document is deleted and made anew before the answer comes.
        let next = Head { epoch: Some(Epoch::from_random(6)), ..head(&history("abcd")) };
        let opened = OpenedLog { head: next, floor: Version::ZERO, client: None };
        room.look_again();
        let (ticket, _) = asked(&mut room).unwrap();
        room.handle_log(ticket, LogAnswer::Opened(Ok(opened.clone())), Millis(1));
        let began = Head { epoch: Some(batch.new_epoch), version: Version::ZERO.next(), hash: batch.hash_after };
        room.handle_log(append, LogAnswer::Append(AppendOutcome::Committed { head: began }), Millis(2));
        // It is the life that the append began which is over. Until the log has said so, nobody is told anything of this one.
        let (ticket, _) = asked(&mut room).unwrap();
        room.handle_log(ticket, LogAnswer::Opened(Ok(opened)), Millis(3));
        assert_eq!((room.phase, room.lost_epoch), (Phase::Loading { head: None }, Some(batch.new_epoch)));
    }

    /// Insertions at the beginning, an entry each.
    fn history(letters: &str) -> Vec<Entry> {
        let entry = |(version, letter): (u64, char)| {
            let mut operation = Vec::new();
            RichText::encode(&Operation::builder().insert(&letter.to_string()).build(), &mut operation);
            Entry {
                version: Version::new(version).unwrap(),
                client: ClientId::from_bytes([7; 16]),
                client_seq: ClientSeq::new(version).unwrap(),
                user: "ann".parse().unwrap(),
                time_ms: 0,
                operation: operation.into(),
            }
        };
        (1..).zip(letters.chars()).map(entry).collect()
    }

    fn epoch() -> Option<Epoch> {
        Some(Epoch::from_random(5))
    }

    fn head(entries: &[Entry]) -> Head {
        let hash = entries.iter().fold(RunningHash::ZERO, |hash, entry| {
            hash.advance(entry.version, &entry.client, entry.client_seq, &entry.operation)
        });
        Head { epoch: epoch(), version: entries[entries.len() - 1].version, hash }
    }

    /// An open room that knows these entries.
    fn room(entries: &[Entry]) -> Room<RichText> {
        let (limits, settings) = (Limits::default(), RoomSettings { read_bytes: PAGE, ..RoomSettings::default() });
        let mut room = Room::new("a".parse().unwrap(), Channel(1), limits, settings, Box::new(|| 1));
        room.sequencer = Sequencer::new(limits, Head::default(), Document::default());
        room.sequencer.take_entries(epoch(), entries.to_vec(), None, &mut Vec::new()).unwrap();
        room.broadcast = room.sequencer.head().version;
        room.phase = Phase::Open;
        room
    }

    fn text(room: &Room<RichText>) -> String {
        room.sequencer.document().text().to_string()
    }

    /// The room asks where the log stands, and is told that it holds these entries.
    fn look(room: &mut Room<RichText>, log: &[Entry]) {
        room.look_again();
        let asked = asked(room).map(|(ticket, _)| ticket).unwrap();
        let opened = OpenedLog { head: head(log), floor: Version::ZERO, client: None };
        room.handle_log(asked, LogAnswer::Opened(Ok(opened)), Millis(1));
    }

    /// Reads a page after this version, and is given these entries.
    fn read(room: &mut Room<RichText>, after: u64, page: Result<&[Entry], LogError>) {
        let (ticket, read) = asked(room).unwrap();
        assert_eq!(read, Some(after));
        let page = page.map(|entries| ReadOutcome::Entries(entries.to_vec()));
        room.handle_log(ticket, LogAnswer::Read(page), Millis(1));
    }

    /// Somebody who has left has submitted this, and the room appends it.
    fn append(room: &mut Room<RichText>, text: &str) -> (LogTicket, Batch) {
        let submission = Submission {
            id: SubmissionId(1),
            client: ClientId::from_bytes([7; 16]),
            seq: ClientSeq::NONE.next(),
            generation: Generation::NONE,
            user: "ann".parse().unwrap(),
            permit: Permit::new(Role::Editor, Millis(u64::MAX)),
            base: Version::ZERO,
            operation: Operation::builder().insert(text).build(),
            caret: SubmittedCaret::Still,
            trail: Trail::default(),
        };
        room.sequencer.submit(submission).unwrap();
        room.start_append(Millis(1));
        let output = std::iter::from_fn(|| room.poll_output()).find_map(|output| match output {
            RoomOutput::Log(ticket, LogRequest::Append(batch)) => Some((ticket, batch)),
            _ => None,
        });
        output.unwrap()
    }

    /// What the room has asked of the log's history: where it stands, or what lies behind a version.
    fn asked(room: &mut Room<RichText>) -> Option<(LogTicket, Option<u64>)> {
        std::iter::from_fn(|| room.poll_output()).find_map(|output| match output {
            RoomOutput::Log(ticket, LogRequest::Open(None)) => Some((ticket, None)),
            RoomOutput::Log(ticket, LogRequest::Read { after, .. }) => Some((ticket, Some(after.get()))),
            _ => None,
        })
    }
}
