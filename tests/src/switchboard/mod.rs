//! Servers over one log and people at them, on one thread and on virtual time, where a test
//! decides by hand what arrives, what waits and what is lost: for faults that must strike at one
//! exact place. Sessions, connections, rooms and the log are the real ones.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "where a test cannot run, it says so and fails")]

mod line;
mod person;
mod pump;
mod server;
mod verdict;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cowrite_protocol::frame::Code;
use cowrite_protocol::operation::Operation;
use cowrite_protocol::{DocumentId, Limits, Millis, Version};
use cowrite_server::oplog::memory::MemoryLog;
use cowrite_server::oplog::{AppendOutcome, Entry, ReadOutcome, Snapshot, WallClock};
use cowrite_server::room::{Existence, ExistenceCommand, RoomCommand, RoomSettings};
use tokio::sync::oneshot;

pub use line::Heading;
use line::Line;
pub use person::Person;
use server::Server;

/// How it is set up.
#[derive(Clone, Copy, Debug)]
pub struct BoardSettings {
    /// Servers over the one log.
    pub servers: usize,
    /// How their rooms behave.
    pub room: RoomSettings,
    /// What clients may ask for.
    pub limits: Limits,
    /// Bytes that may wait for a socket.
    pub queue_bytes: usize,
}

impl Default for BoardSettings {
    fn default() -> Self {
        let (room, limits) = (RoomSettings::default(), Limits::default());
        BoardSettings { servers: 1, room, limits, queue_bytes: 1 << 20 }
    }
}

/// One document at several servers, and those who write it.
pub struct Switchboard {
    settings: BoardSettings,
    log: MemoryLog,
    /// The time of day by which the log forgets clients.
    day: Arc<AtomicU64>,
    document: DocumentId,
    servers: Vec<Server>,
    people: Vec<Person>,
    /// Every socket that there was; never used again for another.
    lines: Vec<Line>,
    now: Millis,
    /// Frames that have arrived anywhere.
    arrived: u64,
    /// The line of this person is cut as soon as so many frames have arrived.
    cut_at: Option<(usize, u64)>,
}

impl Switchboard {
    /// Servers without anybody.
    pub fn new(settings: BoardSettings) -> Switchboard {
        let day = Arc::new(AtomicU64::new(1_000));
        let read = Arc::clone(&day);
        let mut board = Switchboard {
            settings,
            log: MemoryLog::with_clock(WallClock::from_fn(move || read.load(Ordering::Relaxed))),
            day,
            document: "switched".parse().unwrap(),
            servers: Vec::new(),
            people: Vec::new(),
            lines: Vec::new(),
            now: Millis(1_000),
            arrived: 0,
            cut_at: None,
        };
        for number in 0..settings.servers {
            board.servers.push(Server::new(number));
            board.start(number);
        }
        board
    }

    /// Somebody new opens the document at a server. Nothing else need be done for it to be there,
    /// unless something is held back.
    pub fn join(&mut self, server: usize) -> usize {
        self.people.push(Person::new(self.people.len(), server, self.document.clone(), self.now));
        self.settle();
        self.people.len() - 1
    }

    /// Somebody, to look at.
    pub fn person(&self, person: usize) -> &Person {
        &self.people[person]
    }

    /// Somebody types at a place, and all follows that nothing holds back.
    pub fn types(&mut self, person: usize, at: u32, text: &str) {
        self.edit(person, &Operation::builder().retain(cowrite_protocol::Utf16Length(at)).insert(text).build());
    }

    /// Somebody deletes.
    pub fn deletes(&mut self, person: usize, at: u32, units: u32) {
        let (at, units) = (cowrite_protocol::Utf16Length(at), cowrite_protocol::Utf16Length(units));
        self.edit(person, &Operation::builder().retain(at).delete(units).build());
    }

    /// Somebody edits.
    ///
    /// # Panics
    /// If the edit is an error to its maker.
    pub fn edit(&mut self, person: usize, operation: &Operation) {
        self.people[person].edit(operation, self.now);
        self.settle();
    }

    /// Somebody takes the last edit back, if there is one to take back.
    pub fn undo(&mut self, person: usize) {
        self.people[person].undo(self.now);
        self.settle();
    }

    /// Frames that have arrived anywhere so far.
    pub fn arrived(&self) -> u64 {
        self.arrived
    }

    /// Whether somebody has a line that they know to be there.
    pub fn is_connected(&self, person: usize) -> bool {
        self.people[person].line.is_some()
    }

    /// The line of this person will be cut as soon as so many frames have arrived anywhere; what is
    /// on it then is lost. Whoever is to join next has the number of all before.
    pub fn cut_after(&mut self, person: usize, frames: u64) {
        self.cut_at = Some((person, frames));
    }

    /// What is on this person's line that way waits from here on.
    ///
    /// # Panics
    /// If they have no line.
    pub fn hold(&mut self, person: usize, heading: Heading) {
        self.line(person).set_held(heading, true);
    }

    /// What waited that way arrives, in order.
    ///
    /// # Panics
    /// If they have no line.
    pub fn release(&mut self, person: usize, heading: Heading) {
        self.line(person).set_held(heading, false);
        self.settle();
    }

    /// The names of the frames that wait that way, without those of presence and the like.
    ///
    /// # Panics
    /// If they have no line.
    pub fn waiting(&mut self, person: usize, heading: Heading) -> Vec<&'static str> {
        self.line(person).waiting(heading)
    }

    /// The line of this person delivers nothing in either direction, nobody is told, and no new one can
    /// be had; or all of it again.
    pub fn set_hole(&mut self, person: usize, hole: bool) {
        self.people[person].in_hole = hole;
        for line in self.lines.iter_mut().filter(|line| line.person == person) {
            // What nobody is there for any more will not be sent again.
            line.set_held(Heading::Up, hole || !line.near);
            line.set_held(Heading::Down, hole || !line.near);
        }
        self.settle();
    }

    /// Of what waits on the line of a person whose socket is stuck, and whose frames are held, about so
    /// many bytes arrive each way.
    ///
    /// # Panics
    /// If they have no line.
    pub fn trickle(&mut self, person: usize, bytes: usize) {
        let line = self.people[person].line.expect("the person has a line");
        self.lines[line].budget(bytes);
        self.settle();
    }

    /// Bytes that wait at the server for the socket of a person.
    ///
    /// # Panics
    /// If they have no line.
    pub fn queued(&self, person: usize) -> usize {
        self.lines[self.people[person].line.expect("the person has a line")].outbox.bytes()
    }

    /// How many connections of this person their servers believe in.
    pub fn connections(&self, person: usize) -> usize {
        self.lines.iter().filter(|line| line.person == person && line.far).count()
    }

    /// The first frame of this name that waits that way is lost, and nothing else.
    ///
    /// # Panics
    /// If none waits.
    pub fn lose(&mut self, person: usize, heading: Heading, name: &str) {
        assert!(self.line(person).lose(heading, name), "no {name} waits {heading:?}");
    }

    /// The socket of a person takes nothing more, so that what they are sent waits at the server,
    /// or takes everything again.
    ///
    /// # Panics
    /// If they have no line.
    pub fn set_stuck(&mut self, person: usize, stuck: bool) {
        self.line(person).stuck = stuck;
        self.settle();
    }

    /// Both ends see that the line is gone; what was on it is lost. The person stays away until
    /// [`Switchboard::come_back`], or until their session tries by itself as time passes.
    pub fn cut(&mut self, person: usize) {
        let Some(line) = self.people[person].line.take() else { return };
        self.lines[line].break_off();
        self.people[person].session.handle_disconnected(self.now);
        self.hang_up(line);
        self.settle();
    }

    /// Only the person sees that the line is gone. What they have sent may still be on the way, and
    /// arrives once this number is given to [`Switchboard::let_through`].
    ///
    /// # Panics
    /// If they have no line.
    pub fn slip_away(&mut self, person: usize) -> usize {
        let line = self.people[person].line.take().expect("there is a line");
        self.lines[line].near = false;
        self.lines[line].set_held(Heading::Up, true);
        self.people[person].session.handle_disconnected(self.now);
        self.settle();
        line
    }

    /// What is on a line that its person has left arrives at its server.
    pub fn let_through(&mut self, line: usize) {
        self.lines[line].set_held(Heading::Up, false);
        self.settle();
    }

    /// The person connects at once, to this server.
    pub fn come_back(&mut self, person: usize, server: usize) {
        self.people[person].home = server;
        self.people[person].session.connect(self.now);
        self.settle();
    }

    /// Somebody drops all that was set aside for a decision.
    pub fn discard(&mut self, person: usize) {
        for (id, _) in std::mem::take(&mut self.people[person].proposals) {
            let (person, now) = (&mut self.people[person], self.now);
            person.session.discard_proposal(person.handle, id, now);
        }
        self.settle();
    }

    /// Somebody does what all that was set aside for a decision asks for.
    ///
    /// # Panics
    /// If the document cannot be edited.
    pub fn accept(&mut self, person: usize) {
        for (id, _) in std::mem::take(&mut self.people[person].proposals) {
            let (person, now) = (&mut self.people[person], self.now);
            let accepted = person.session.accept_proposal(person.handle, id, now);
            assert!(matches!(accepted, Some(Ok(()))), "{accepted:?}");
        }
        self.settle();
    }

    /// The log has lost all that it knew of the document, and every server starts anew.
    pub fn forget(&mut self) {
        (0..self.servers.len()).for_each(|server| self.kill(server));
        self.log.forget_document(&self.document);
        (0..self.servers.len()).for_each(|server| self.start(server));
    }

    /// An operator asks this server that the document be deleted, or made anew. The answer comes when it is so.
    pub fn wish(&mut self, server: usize, wish: Existence) -> oneshot::Receiver<Result<Version, Code>> {
        let (command, answered) = ExistenceCommand::new(wish, "application".parse().unwrap());
        self.servers[server].command(RoomCommand::Existence(Box::new(command)), self.now);
        self.settle();
        answered
    }

    /// What the log holds of the document, and after which version it can be read.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn stored(&self) -> (Version, Vec<Entry>, Option<Snapshot>) {
        let floor = self.log.open_now(&self.document, None).unwrap().floor;
        let ReadOutcome::Entries(entries) = self.log.read_now(&self.document, floor, usize::MAX) else {
            panic!("the log cannot be read")
        };
        (floor, entries, self.log.load_snapshot_now(&self.document))
    }

    /// The log does not hear the appends of this server from here on.
    pub fn hold_appends(&mut self, server: usize) {
        self.servers[server].holds_appends = true;
    }

    /// How many appends of this server the log has not heard.
    pub fn appends_held(&self, server: usize) -> usize {
        self.servers[server].appends.len()
    }

    /// The log hears the oldest of them, also if its server is gone; gives what it answers.
    ///
    /// # Panics
    /// If there is none.
    pub fn release_append(&mut self, server: usize) -> AppendOutcome {
        let (life, ticket, batch) = self.servers[server].appends.pop_front().expect("an append is held");
        let outcome = self.log.append_now(&self.document, batch);
        self.servers[server].appended(life, ticket, outcome.clone(), self.now);
        self.settle();
        outcome
    }

    /// The log hears all of them, and no more is held back; gives what it answers.
    pub fn release_appends(&mut self, server: usize) -> Vec<AppendOutcome> {
        self.servers[server].holds_appends = false;
        let held = self.appends_held(server);
        (0..held).map(|_| self.release_append(server)).collect()
    }

    /// What others write reaches this server by no live feed from here on, or again.
    pub fn set_deaf(&mut self, server: usize, deaf: bool) {
        self.servers[server].deaf = deaf;
        self.settle();
    }

    /// The room of a server looks where the log stands, as it does from time to time.
    pub fn look(&mut self, server: usize) {
        self.servers[server].look(self.now);
        self.settle();
    }

    /// The process is gone at once, and its sockets with it.
    pub fn kill(&mut self, server: usize) {
        self.servers[server].kill();
        for line in 0..self.lines.len() {
            if self.lines[line].server != server || !self.lines[line].far {
                continue;
            }
            self.lines[line].break_off();
            let person = self.lines[line].person;
            if self.people[person].line == Some(line) {
                self.people[person].line = None;
                self.people[person].session.handle_disconnected(self.now);
            }
        }
        self.settle();
    }

    /// The process is there, and knows nothing but what the log holds.
    pub fn start(&mut self, server: usize) {
        self.servers[server].start(&self.document, &self.settings);
        self.settle();
    }

    /// So many days pass for the log alone, which counts them to forget who was not there.
    pub fn days_pass(&mut self, days: u64) {
        self.day.fetch_add(days * 86_400_000, Ordering::Relaxed);
    }

    /// So much time passes; whoever wants to be woken is.
    pub fn pass(&mut self, ms: u64) {
        let until = self.now + ms;
        let mut turns = 0;
        while let Some(due) = self.due().filter(|due| *due <= until) {
            turns = if due > self.now { 0 } else { turns + 1 };
            assert!(turns < 1_000, "somebody wants to be woken at {due:?}, again and again");
            self.now = self.now.max(due);
            self.wake();
            self.settle();
        }
        self.now = until;
    }

    /// The time.
    pub fn now(&self) -> Millis {
        self.now
    }

    fn line(&mut self, person: usize) -> &mut Line {
        let line = self.people[person].line.expect("the person has a line");
        &mut self.lines[line]
    }
}

type Frames = VecDeque<Vec<u8>>;
