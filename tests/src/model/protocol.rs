//! The model: what can happen in a world, and what must be true of every one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cowrite_server::room::Existence;
use stateright::{Model, Property};

use super::bounds::Bounds;
use super::client::ClientMachine;
use super::log::LogMachine;
use super::machine::Given;
use super::memory::Memory;
use super::server::ServerMachine;
use super::world::{Action, ClientSide, ServerSide, Spent, World};

/// Two sessions, their servers and the log, within bounds.
pub struct Protocol {
    pub(super) bounds: Bounds,
    pub(super) clients: Memory<ClientMachine>,
    pub(super) servers: Memory<ServerMachine>,
    pub(super) logs: Memory<LogMachine>,
    pub(super) seen: Seen,
}

/// What the log answered, on all ways together: that the model meets what it is for.
#[derive(Debug, Default)]
pub struct Seen {
    /// Appends that were refused because another stay had followed.
    pub fenced: AtomicU64,
    /// Appends that were refused as committed already.
    pub duplicates: AtomicU64,
    /// Appends that met a log that had moved.
    pub conflicts: AtomicU64,
    /// Appends that were committed when nobody waited for them any more.
    pub late: AtomicU64,
}

/// How often in a row time may pass without anything coming of it before the world is said to hang.
const MOST_TICKS: u8 = 12;

impl Protocol {
    /// A model within these bounds.
    pub fn new(bounds: Bounds) -> Protocol {
        let (clients, servers, logs) = (Memory::new(), Memory::new(), Memory::new());
        Protocol { bounds, clients, servers, logs, seen: Seen::default() }
    }

    /// What the log answered so far.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// How often a session, a server or the log was really given something; all else was remembered.
    pub fn asked(&self) -> [usize; 3] {
        [self.clients.asked(), self.servers.asked(), self.logs.asked()]
    }

    pub(super) fn server(&self, server: usize, life: u8) -> Arc<Given<ServerMachine>> {
        Given::nothing((server, life, self.bounds.compose_from))
    }

    /// What is on its way and may arrive; clients without a socket join.
    fn progress(&self, world: &World, actions: &mut Vec<Action>) {
        for (index, client) in world.clients.iter().enumerate() {
            match client.link.and_then(|id| world.links.get(&id)) {
                None => actions.extend((0..world.servers.len()).map(|server| Action::Join(index, server))),
                Some(link) if !link.down.is_empty() => actions.push(Action::Down(index)),
                Some(_) => {}
            }
        }
        let links = world.links.iter().filter(|(_, link)| !link.cut && !link.up.is_empty());
        actions.extend(links.map(|(id, _)| Action::Up(*id)));
        let appends = world.appends.iter().filter(|(_, append)| append.awaited);
        actions.extend(appends.map(|(id, _)| Action::Land(*id)));
        for (index, server) in world.servers.iter().enumerate() {
            if !server.answers.is_empty() {
                actions.push(Action::Answer(index));
            }
            if !server.live.is_empty() {
                actions.push(Action::Live(index));
            }
        }
    }

    /// What may yet happen of what nobody waits for, and may as well never happen.
    fn remains(&self, world: &World, actions: &mut Vec<Action>) {
        for (id, _) in world.links.iter().filter(|(_, link)| link.cut) {
            actions.push(Action::Hang(*id));
        }
        let sent = world.links.iter().filter(|(_, link)| link.cut && !link.up.is_empty());
        actions.extend(sent.map(|(id, _)| Action::Up(*id)));
        let appends = world.appends.iter().filter(|(_, append)| !append.awaited);
        actions.extend(appends.map(|(id, _)| Action::Land(*id)));
    }

    /// What may go wrong.
    fn faults(&self, world: &World, actions: &mut Vec<Action>) {
        let (bounds, spent) = (&self.bounds, world.spent);
        for (index, client) in world.clients.iter().enumerate() {
            if spent.cuts[index] < bounds.cuts[index] && client.link.is_some() {
                actions.push(Action::Cut(index));
            }
        }
        if spent.asked.is_none() && usize::from(spent.wishes) < bounds.wishes.len() {
            actions.extend((0..world.servers.len()).map(Action::Wish));
        }
        for (index, server) in world.servers.iter().enumerate() {
            if spent.crashes < bounds.crashes && server.subscribed {
                actions.push(Action::Crash(index));
            }
            if spent.lost < bounds.lost && !server.live.is_empty() {
                actions.push(Action::Lose(index));
            }
        }
        if spent.unanswered < bounds.unanswered {
            let awaited = world.appends.iter().filter(|(_, append)| append.awaited);
            actions.extend(awaited.map(|(id, _)| Action::Unanswered(*id)));
        }
    }

    /// A client joins, and all that comes of it arrives.
    fn joined(&self, world: &World, client: usize, server: usize) -> World {
        let mut world = self.after(world, Action::Join(client, server));
        loop {
            let mut actions = Vec::new();
            self.progress(&world, &mut actions);
            actions.retain(|action| !matches!(action, Action::Join(..)));
            let Some(action) = actions.first() else { return world };
            world = self.after(&world, *action);
        }
    }

    fn is_at_rest(&self, world: &World) -> bool {
        let mut actions = Vec::new();
        self.progress(world, &mut actions);
        actions.is_empty()
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let client = |(index, edits): (usize, &&'static [super::Edit])| ClientSide {
            given: Given::nothing((index, *edits)),
            link: None,
            joins: 0,
        };
        let server = |index| ServerSide {
            given: self.server(index, 0),
            life: 0,
            subscribed: false,
            live: VecDeque::new(),
            answers: VecDeque::new(),
        };
        let cold = World {
            clients: self.bounds.edits.iter().enumerate().map(client).collect(),
            servers: (0..self.bounds.servers).map(server).collect(),
            log: Given::nothing((self.bounds.text, self.bounds.fence, self.bounds.tombstone)),
            links: BTreeMap::new(),
            appends: BTreeMap::new(),
            spent: Spent::default(),
        };
        if !self.bounds.warm {
            return vec![cold];
        }
        // Which server is which makes no difference yet.
        (0..self.bounds.servers).map(|second| self.joined(&self.joined(&cold, 0, 0), 1, second)).collect()
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        self.progress(world, actions);
        if actions.is_empty() && !world.is_settled() && world.spent.ticks < MOST_TICKS {
            actions.push(Action::Tick);
        }
        self.remains(world, actions);
        let editable = world.clients.iter().enumerate().filter(|(_, client)| client.given.shown.editable);
        actions.extend(editable.map(|(index, _)| Action::Edit(index)));
        self.faults(world, actions);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        Some(self.after(world, action))
    }

    fn properties(&self) -> Vec<Property<Protocol>> {
        vec![
            Property::always("no edit is in the log twice", |_, world: &World| {
                world.log.shown.inserted.values().all(|times| *times == 1)
            }),
            Property::always("the log is a history", |_, world: &World| world.log.shown.fault.is_none()),
            Property::always("what is told as accepted is in the log", |_, world: &World| {
                let inserted = &world.log.shown.inserted;
                let told = world.clients.iter().flat_map(|client| &client.given.shown.accepted);
                told.into_iter().all(|token| inserted.get(token) == Some(&1))
            }),
            Property::always("a client holds what the log holds", |_, world: &World| {
                world.clients.iter().all(|client| {
                    let shown = &client.given.shown;
                    let position = shown.position.unwrap_or_default();
                    world.log.shown.agrees(position.version, position.hash, &shown.text)
                })
            }),
            Property::always("a server holds what the log holds", |_, world: &World| {
                world.servers.iter().all(|server| {
                    let shown = &server.given.shown;
                    world.log.shown.agrees(shown.version, shown.hash, &shown.text)
                })
            }),
            Property::always("no client finds that it differs from the log", |_, world: &World| {
                !world.clients.iter().any(|client| client.given.shown.differs)
            }),
            Property::always("nothing is refused or set aside but what a deletion met", |_, world: &World| {
                let deleted = world.spent.wishes > 0;
                world.clients.iter().all(|client| {
                    let shown = &client.given.shown;
                    shown.trouble.is_none() && (deleted || !shown.refused)
                })
            }),
            Property::always("what the application was told to be so stays so", |model: &Protocol, world: &World| {
                let wishes = model.bounds.wishes;
                let told = usize::from(world.spent.wishes) == wishes.len() && world.spent.asked.is_none();
                match wishes.last().filter(|_| told && !world.spent.refused) {
                    Some(wish) => world.log.shown.is_deleted() == (*wish == Existence::Deleted),
                    None => true,
                }
            }),
            Property::always(
                "what comes to rest is in step, and nothing is pending",
                |model: &Protocol, world: &World| {
                    world.is_settled() || world.spent.ticks < MOST_TICKS || !model.is_at_rest(world)
                },
            ),
            Property::sometimes(
                "all edits are accepted and everybody shows them",
                |model: &Protocol, world: &World| {
                    let shown = &world.log.shown;
                    let same = |client: &ClientSide| {
                        shown.texts.last().is_some_and(|(_, text)| *text == *client.given.shown.shown)
                    };
                    model.is_at_rest(world)
                        && world.is_settled()
                        && world.is_all_made(&model.bounds.edits)
                        && world.clients.iter().all(same)
                },
            ),
        ]
    }
}

impl Seen {
    /// How many appends were fenced, refused as duplicates, met a conflict, and were committed late.
    pub fn counts(&self) -> [u64; 4] {
        [&self.fenced, &self.duplicates, &self.conflicts, &self.late].map(|counter| counter.load(Ordering::Relaxed))
    }
}
