//! One state of the model: what each machine was given, and what is on its way.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use cowrite_server::oplog::{Batch, FeedEvent};

use super::client::ClientMachine;
use super::log::{Answer, LogMachine, Marked};
use super::machine::Given;
use super::server::ServerMachine;

/// A socket: whose, and which of that client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u8, pub u8);

/// An append: of which server, of which life of it, under which ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppendId(pub usize, pub u8, pub u64);

/// Something that can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The user of a client makes its next edit.
    Edit(usize),
    /// A client gets a socket to a server, is greeted, and asks for the document.
    Join(usize, usize),
    /// A client's oldest message on this socket reaches its server.
    Up(LinkId),
    /// The oldest message to a client reaches it.
    Down(usize),
    /// A client's socket is cut.
    Cut(usize),
    /// A server hears that a socket was cut; what was on its way there is lost.
    Hang(LinkId),
    /// An append happens at the log.
    Land(AppendId),
    /// A room is told that nobody knows how its append ended.
    Unanswered(AppendId),
    /// The log's oldest answer to an append reaches a server.
    Answer(usize),
    /// The oldest live message reaches a server.
    Live(usize),
    /// The oldest live message to a server is lost.
    Lose(usize),
    /// A server is killed, and starts again knowing nothing.
    Crash(usize),
    /// The application asks a server for the next thing that it wishes of the document's existence.
    Wish(usize),
    /// Nothing is on its way, and time passes everywhere until something is due.
    Tick,
}

/// A client, and what is around it.
#[derive(Clone)]
pub(super) struct ClientSide {
    pub(super) given: Arc<Given<ClientMachine>>,
    pub(super) link: Option<LinkId>,
    pub(super) joins: u8,
}

/// A server, and what is on its way to it.
#[derive(Clone)]
pub(super) struct ServerSide {
    pub(super) given: Arc<Given<ServerMachine>>,
    pub(super) life: u8,
    pub(super) subscribed: bool,
    pub(super) live: VecDeque<Marked<FeedEvent>>,
    pub(super) answers: VecDeque<(u64, Marked<Answer>)>,
}

/// A socket and what it carries.
#[derive(Clone, PartialEq, Hash)]
pub(super) struct Link {
    pub(super) server: usize,
    pub(super) up: VecDeque<Bytes>,
    pub(super) down: VecDeque<Bytes>,
    /// The client knows that it is no more; the server does not.
    pub(super) cut: bool,
}

/// An append that was asked for and has not happened.
#[derive(Clone, PartialEq, Hash)]
pub(super) struct Append {
    pub(super) batch: Marked<Batch>,
    /// Whether a room waits for its answer.
    pub(super) awaited: bool,
}

/// How much went wrong so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Spent {
    pub(super) cuts: [u8; 2],
    pub(super) crashes: u8,
    pub(super) unanswered: u8,
    pub(super) lost: u8,
    pub(super) ticks: u8,
    /// Wishes that were made, and the server that has yet to answer the last one.
    pub(super) wishes: u8,
    pub(super) asked: Option<usize>,
    /// One of them was refused.
    pub(super) refused: bool,
}

/// A state of the model.
#[derive(Clone)]
pub struct World {
    pub(super) clients: Vec<ClientSide>,
    pub(super) servers: Vec<ServerSide>,
    pub(super) log: Arc<Given<LogMachine>>,
    pub(super) links: BTreeMap<LinkId, Link>,
    pub(super) appends: BTreeMap<AppendId, Append>,
    pub(super) spent: Spent,
}

impl World {
    /// Whether everybody is in step with the log, and nothing is left to do but edits that nobody has made.
    pub(super) fn is_settled(&self) -> bool {
        let head = self.log.shown.head();
        let in_step = |client: &ClientSide| {
            let shown = &client.given.shown;
            let there = shown.position.is_some_and(|position| position.version == head);
            client.link.is_some() && shown.online && shown.pending == 0 && there
        };
        self.spent.asked.is_none() && self.clients.iter().all(in_step)
    }

    /// Whether all edits were made.
    pub(super) fn is_all_made(&self, edits: &[&[super::Edit]]) -> bool {
        self.clients.iter().zip(edits).all(|(client, edits)| client.given.shown.made == edits.len())
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for client in &self.clients {
            (client.given.id, client.link, client.joins).hash(state);
        }
        for server in &self.servers {
            (server.given.id, server.life, server.subscribed, &server.live, &server.answers).hash(state);
        }
        (self.log.id, &self.links, &self.appends, self.spent).hash(state);
    }
}

impl PartialEq for World {
    fn eq(&self, other: &World) -> bool {
        let client =
            |(a, b): (&ClientSide, &ClientSide)| a.given.id == b.given.id && (a.link, a.joins) == (b.link, b.joins);
        let server = |(a, b): (&ServerSide, &ServerSide)| {
            a.given.id == b.given.id
                && (a.life, a.subscribed) == (b.life, b.subscribed)
                && (&a.live, &a.answers) == (&b.live, &b.answers)
        };
        self.clients.iter().zip(&other.clients).all(client)
            && self.servers.iter().zip(&other.servers).all(server)
            && self.log.id == other.log.id
            && (&self.links, &self.appends, self.spent) == (&other.links, &other.appends, other.spent)
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let truth = &self.log.shown;
        let text = truth.texts.last().map(|(_, text)| text.text().to_string());
        write!(f, "log {} {:?}", truth.head(), text.unwrap_or_default())?;
        for (index, client) in self.clients.iter().enumerate() {
            let shown = &client.given.shown;
            let version = shown.position.map_or_else(|| "-".to_owned(), |position| position.version.to_string());
            write!(f, " | client {index} at {version} shows {:?}", shown.shown.text().to_string())?;
            if shown.pending > 0 {
                write!(f, ", {} pending", shown.pending)?;
            }
            if let Some(trouble) = &shown.trouble {
                write!(f, ", {trouble}")?;
            }
        }
        for (index, server) in self.servers.iter().enumerate() {
            write!(f, " | server {index} at {}", server.given.shown.version)?;
        }
        if !self.appends.is_empty() {
            write!(f, " | {} appends under way", self.appends.len())?;
        }
        Ok(())
    }
}
