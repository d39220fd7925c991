//! When a room tells other servers what, and whose word it takes.

use std::collections::BTreeMap;

use cowrite_protocol::Millis;

use super::message::{Asks, SenderName};

/// Rooms elsewhere whose messages are taken; far more than there are servers.
const MOST_PEERS: usize = 1 << 10;

/// An answer to those who ask is given after a random part of this time, in milliseconds,
/// so that not all answer at once.
const SPREAD_MS: u64 = 150;

/// Everything is told at most this often, in milliseconds, however many ask.
const ANSWER_MS: u64 = 1_000;

/// A timer that is so late, in milliseconds, tells that this process has slept.
const SLEPT_MS: u64 = 5_000;

/// After a sleep what its sockets know comes in before anybody is told of them, in milliseconds.
const WAKING_MS: u64 = 1_000;

/// One room's conversation with the rooms of its document at other servers.
#[derive(Debug)]
pub struct Exchange {
    name: SenderName,
    sequence: u64,
    peers: BTreeMap<SenderName, Peer>,
    asks: Asks,
    /// When everybody here is told in full, because somebody asked.
    answer_due: Option<Millis>,
    answered: Option<Millis>,
    summary_due: Option<Millis>,
    /// The next message bears a summary.
    summary_wanted: bool,
    ignored: Ignored,
}

#[derive(Debug)]
struct Peer {
    sequence: u64,
    heard: Millis,
}

/// Messages of other servers that were not used, since the room was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ignored {
    /// Of a format that this release does not know.
    pub formats: u64,
    /// Not a message, or over a limit.
    pub malformed: u64,
    /// Overtaken by a later one of the same sender, or doubled.
    pub late: u64,
    /// Of more senders or members than a room can have.
    pub crowd: u64,
}

impl Exchange {
    /// Of a room with this name, which says nothing until somebody is here.
    pub fn new(name: SenderName) -> Exchange {
        Exchange {
            name,
            sequence: 0,
            peers: BTreeMap::new(),
            asks: Asks::Nobody,
            answer_due: None,
            answered: None,
            summary_due: None,
            summary_wanted: false,
            ignored: Ignored::default(),
        }
    }

    /// The name under which the room speaks.
    pub fn name(&self) -> SenderName {
        self.name
    }

    /// What was ignored so far.
    pub fn ignored(&self) -> Ignored {
        self.ignored
    }

    /// To count what is ignored.
    pub fn ignored_mut(&mut self) -> &mut Ignored {
        &mut self.ignored
    }

    /// Whether anybody elsewhere is known to listen.
    pub fn has_peers(&self) -> bool {
        !self.peers.is_empty()
    }

    /// A message of another room has come. Returns whether it is to be read: it is newer
    /// than the last one of its sender.
    pub fn hear(&mut self, sender: SenderName, sequence: u64, now: Millis) -> bool {
        let crowded = self.peers.len() >= MOST_PEERS;
        match self.peers.get_mut(&sender) {
            Some(peer) if sequence <= peer.sequence => {
                self.ignored.late += 1;
                return false;
            }
            Some(peer) => (peer.sequence, peer.heard) = (sequence, now),
            None if crowded => {
                self.ignored.crowd += 1;
                return false;
            }
            None => {
                self.peers.insert(sender, Peer { sequence, heard: now });
            }
        }
        true
    }

    /// Somebody asks; it is answered if that means this room.
    pub fn hear_asks(&mut self, asks: &Asks, now: Millis, random: u64) {
        let meant = match asks {
            Asks::Nobody => false,
            Asks::Everybody => true,
            Asks::These(names) => names.contains(&self.name),
        };
        if meant {
            self.answer(now, random);
        }
    }

    /// Asks everybody with the next message.
    pub fn ask_everybody(&mut self) {
        self.asks = Asks::Everybody;
    }

    /// Asks one room with the next message.
    pub fn ask(&mut self, sender: SenderName) {
        match &mut self.asks {
            Asks::Everybody => {}
            Asks::These(names) if names.contains(&sender) => {}
            Asks::These(names) => names.push(sender),
            Asks::Nobody => self.asks = Asks::These(vec![sender]),
        }
    }

    /// Whether a question or a summary waits to be sent.
    pub fn wants_to_speak(&self) -> bool {
        self.summary_wanted || self.asks != Asks::Nobody
    }

    /// What the next message asks, and whether it bears a summary.
    pub fn take_wishes(&mut self) -> (Asks, bool) {
        (std::mem::take(&mut self.asks), std::mem::take(&mut self.summary_wanted))
    }

    /// The number of the next message.
    pub fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Members are here or not: only if they are, there is a summary some time.
    pub fn plan_summary(&mut self, anybody_here: bool, now: Millis, summary_ms: u64) {
        if !anybody_here {
            (self.summary_due, self.summary_wanted, self.answer_due) = (None, false, None);
        } else if self.summary_due.is_none() {
            self.summary_due = Some(now + summary_ms);
        }
    }

    /// The next moment at which [`Exchange::wake`] has something to do.
    pub fn poll_timeout(&self) -> Option<Millis> {
        [self.summary_due, self.answer_due].into_iter().flatten().min()
    }

    /// Time has passed. Says what is to be done.
    pub fn wake(&mut self, now: Millis, summary_ms: u64, expiry_ms: u64, random: u64) -> Woken {
        if self.summary_due.is_some_and(|due| due + SLEPT_MS < now) {
            self.summary_due = Some(now + WAKING_MS);
            self.answer_due = self.answer_due.map(|_| now + WAKING_MS);
            self.ask_everybody();
            return Woken::Slept;
        }
        let mut woken = Woken::Nothing;
        if self.summary_due.is_some_and(|due| due <= now) {
            // A little early, so that not all servers' summaries come at once.
            self.summary_due = Some(now + (summary_ms - random % (summary_ms / 10).max(1)));
            self.summary_wanted = true;
            self.peers.retain(|_, peer| peer.heard + expiry_ms > now);
            woken = Woken::Summary;
        }
        if self.answer_due.is_some_and(|due| due <= now) {
            (self.answer_due, self.answered, self.summary_wanted) = (None, Some(now), true);
            woken = Woken::Answer;
        }
        woken
    }

    fn answer(&mut self, now: Millis, random: u64) {
        let rested = self.answered.map_or(now, |answered| answered + ANSWER_MS);
        let due = now.max(rested) + random % SPREAD_MS;
        self.answer_due = Some(self.answer_due.map_or(due, |planned| planned.min(due)));
    }
}

/// What [`Exchange::wake`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// Nothing is due.
    Nothing,
    /// A summary is: who is here, and where their cursors stand.
    Summary,
    /// Somebody asked: everything is to be told.
    Answer,
    /// This process has slept. What its members' sockets and the other servers have to say
    /// waits to be heard first.
    Slept,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: SenderName = SenderName([2; 16]);

    fn exchange() -> Exchange {
        let mut exchange = Exchange::new(SenderName([1; 16]));
        exchange.plan_summary(true, Millis(0), 10_000);
        exchange.take_wishes();
        exchange
    }

    #[test]
    fn what_comes_twice_or_late_is_counted_and_not_read() {
        let mut exchange = exchange();
        assert!(exchange.hear(PEER, 5, Millis(1)));
        assert!(!exchange.hear(PEER, 5, Millis(2)));
        assert!(!exchange.hear(PEER, 4, Millis(3)));
        assert!(exchange.hear(PEER, 6, Millis(4)));
        assert_eq!(exchange.ignored(), Ignored { late: 2, ..Ignored::default() });
    }

    #[test]
    fn a_crowd_of_senders_is_bounded() {
        let mut exchange = exchange();
        let heard = |exchange: &mut Exchange, number: u64| {
            let mut name = [0; 16];
            name[..8].copy_from_slice(&number.to_be_bytes());
            exchange.hear(SenderName(name), 1, Millis(1))
        };
        let taken = (0..5_000).filter(|&number| heard(&mut exchange, number)).count();
        assert_eq!(taken, MOST_PEERS);
        assert_eq!(exchange.ignored().crowd, 5_000 - MOST_PEERS as u64);
    }

    #[test]
    fn many_who_ask_are_answered_once_and_not_at_once() {
        let mut exchange = exchange();
        for number in 0..100 {
            exchange.hear_asks(&Asks::Everybody, Millis(number), 100);
        }
        assert_eq!(exchange.poll_timeout(), Some(Millis(100)));
        assert_eq!(exchange.wake(Millis(100), 10_000, 30_000, 0), Woken::Answer);
        exchange.hear_asks(&Asks::These(vec![PEER, SenderName([1; 16])]), Millis(101), 0);
        assert_eq!(exchange.poll_timeout(), Some(Millis(100 + ANSWER_MS)));
        assert_eq!(exchange.take_wishes(), (Asks::Nobody, true));
    }

    #[test]
    fn a_question_to_others_is_not_answered() {
        let mut exchange = exchange();
        exchange.hear_asks(&Asks::These(vec![PEER]), Millis(1), 0);
        exchange.hear_asks(&Asks::Nobody, Millis(1), 0);
        assert_eq!(exchange.poll_timeout(), Some(Millis(10_000)));
    }

    #[test]
    fn whoever_was_missed_is_asked_once() {
        let mut exchange = exchange();
        exchange.ask(PEER);
        exchange.ask(PEER);
        assert_eq!(exchange.take_wishes().0, Asks::These(vec![PEER]));
        exchange.ask_everybody();
        exchange.ask(PEER);
        assert_eq!(exchange.take_wishes().0, Asks::Everybody);
        assert!(!exchange.wants_to_speak());
    }

    #[test]
    fn a_process_that_slept_listens_before_it_speaks() {
        let mut exchange = exchange();
        exchange.hear_asks(&Asks::Everybody, Millis(1), 0);
        assert_eq!(exchange.wake(Millis(45_000), 10_000, 30_000, 0), Woken::Slept);
        assert_eq!(exchange.take_wishes(), (Asks::Everybody, false));
        assert_eq!(exchange.poll_timeout(), Some(Millis(45_000 + WAKING_MS)));
    }
}
