//! What happens in a world when something does.

use std::collections::VecDeque;

use cowrite_server::oplog::{AppendOutcome, Refusal};
use cowrite_server::room::Existence;

use super::client::{FromClient, ToClient};
use super::log::{Answer, FromLog, Marked, Request};
use super::protocol::Protocol;
use super::server::{FromServer, ToServer};
use super::world::{Action, Append, AppendId, Link, LinkId, World};

impl Protocol {
    /// The world after something has happened.
    pub(super) fn after(&self, world: &World, action: Action) -> World {
        let mut world = world.clone();
        match action {
            Action::Edit(client) => self.give_client(&mut world, client, &ToClient::Edit),
            Action::Join(client, server) => self.join(&mut world, client, server),
            Action::Up(id) => {
                let Some(link) = world.links.get_mut(&id) else { return world };
                if let Some(message) = link.up.pop_front() {
                    let server = link.server;
                    self.give_server(&mut world, server, &ToServer::Message(id, message));
                }
                self.hear(&mut world, id);
            }
            Action::Down(client) => self.down(&mut world, client),
            Action::Cut(client) => {
                world.spent.cuts[client] += 1;
                self.sever(&mut world, client);
                self.give_client(&mut world, client, &ToClient::Gone);
            }
            Action::Hang(id) => self.hang(&mut world, id),
            Action::Land(id) => self.land(&mut world, id),
            Action::Unanswered(id) => {
                world.spent.unanswered += 1;
                if let Some(append) = world.appends.get_mut(&id) {
                    append.awaited = false;
                    let answer = Marked::new(Answer::Append(AppendOutcome::OutcomeUnknown));
                    self.give_server(&mut world, id.0, &ToServer::Answer(id.2, answer));
                }
            }
            Action::Answer(server) => {
                if let Some((ticket, answer)) = world.servers[server].answers.pop_front() {
                    self.give_server(&mut world, server, &ToServer::Answer(ticket, answer));
                }
            }
            Action::Live(server) => {
                if let Some(event) = world.servers[server].live.pop_front() {
                    self.give_server(&mut world, server, &ToServer::Live(event));
                }
            }
            Action::Lose(server) => {
                world.spent.lost += 1;
                world.servers[server].live.pop_front();
            }
            Action::Crash(server) => self.crash(&mut world, server),
            Action::Wish(server) => {
                let wish = self.bounds.wishes.get(usize::from(world.spent.wishes));
                world.spent.wishes += 1;
                world.spent.asked = Some(server);
                let alive = wish == Some(&Existence::Alive);
                self.give_server(&mut world, server, &ToServer::Wish(alive));
            }
            Action::Tick => {
                world.spent.ticks += 1;
                for client in 0..world.clients.len() {
                    if world.clients[client].given.shown.waits {
                        self.give_client(&mut world, client, &ToClient::Tick);
                    }
                }
                for server in 0..world.servers.len() {
                    self.give_server(&mut world, server, &ToServer::Tick);
                }
            }
        }
        world
    }

    /// The handshake is one step: nothing in it depends on anybody else.
    fn join(&self, world: &mut World, client: usize, server: usize) {
        let side = &mut world.clients[client];
        let id = LinkId(client as u8, side.joins);
        side.joins += 1;
        side.link = Some(id);
        let link = Link { server, up: VecDeque::new(), down: VecDeque::new(), cut: false };
        world.links.insert(id, link);
        self.give_server(world, server, &ToServer::Accept(id));
        self.give_client(world, client, &ToClient::Join);
        let hello = world.links.get_mut(&id).and_then(|link| link.up.pop_front());
        if let Some(hello) = hello {
            self.give_server(world, server, &ToServer::Message(id, hello));
            self.down(world, client);
        }
    }

    fn down(&self, world: &mut World, client: usize) {
        let Some(id) = world.clients[client].link else { return };
        let message = world.links.get_mut(&id).and_then(|link| link.down.pop_front());
        if let Some(message) = message {
            self.give_client(world, client, &ToClient::Message(message));
        }
    }

    /// A client has no socket any more. What was on its way to it is lost; what it has sent may still arrive.
    fn sever(&self, world: &mut World, client: usize) {
        if let Some(id) = world.clients[client].link.take()
            && let Some(link) = world.links.get_mut(&id)
        {
            link.cut = true;
            link.down.clear();
            self.hear(world, id);
        }
    }

    /// Unless it is looked at closely, a server that has read all of a cut socket hears that it is cut.
    fn hear(&self, world: &mut World, id: LinkId) {
        if !self.bounds.fine && world.links.get(&id).is_some_and(|link| link.cut && link.up.is_empty()) {
            self.hang(world, id);
        }
    }

    fn hang(&self, world: &mut World, id: LinkId) {
        if let Some(link) = world.links.remove(&id) {
            self.give_server(world, link.server, &ToServer::Gone(id));
        }
    }

    fn land(&self, world: &mut World, id: AppendId) {
        let Some(append) = world.appends.remove(&id) else { return };
        let room = (append.awaited && !self.bounds.fine).then_some(id.0);
        let answer = self.ask_log(world, &Request::Append(append.batch.of), room);
        let Some(answer) = answer else { return };
        if let Answer::Append(outcome) = &answer {
            self.seen.note(outcome, append.awaited);
        }
        if append.awaited && self.bounds.fine {
            world.servers[id.0].answers.push_back((id.2, Marked::new(answer)));
        } else if append.awaited {
            self.give_server(world, id.0, &ToServer::Answer(id.2, Marked::new(answer)));
        }
    }

    /// Asks the log. What it tells all rooms, but for this one, is on its way then.
    fn ask_log(&self, world: &mut World, request: &Request, but: Option<usize>) -> Option<Answer> {
        let (log, outputs) = self.logs.give(&world.log, request);
        world.log = log;
        let mut answer = None;
        for output in outputs.iter() {
            match output {
                FromLog::Answer(given) => answer = Some(given.clone()),
                FromLog::Live(event) => {
                    let event = Marked::new(event.clone());
                    let rooms = world.servers.iter_mut().enumerate();
                    let rooms = rooms.filter(|(index, server)| server.subscribed && but != Some(*index));
                    rooms.for_each(|(_, server)| server.live.push_back(event.clone()));
                }
            }
        }
        answer
    }

    fn crash(&self, world: &mut World, server: usize) {
        world.spent.crashes += 1;
        let side = &mut world.servers[server];
        side.life += 1;
        side.given = self.server(server, side.life);
        side.subscribed = false;
        side.live.clear();
        side.answers.clear();
        if world.spent.asked == Some(server) {
            world.spent.asked = None;
            world.spent.refused = true;
        }
        // What it has asked for is on its way all the same.
        for (_, append) in world.appends.iter_mut().filter(|(id, _)| id.0 == server) {
            append.awaited = false;
        }
        let gone: Vec<LinkId> =
            world.links.iter().filter(|(_, link)| link.server == server).map(|(id, _)| *id).collect();
        for id in gone {
            world.links.remove(&id);
            let client = usize::from(id.0);
            if world.clients[client].link == Some(id) {
                world.clients[client].link = None;
                self.give_client(world, client, &ToClient::Gone);
            }
        }
    }

    fn give_client(&self, world: &mut World, client: usize, input: &ToClient) {
        let (given, outputs) = self.clients.give(&world.clients[client].given, input);
        world.clients[client].given = given;
        for output in outputs.iter() {
            match output {
                FromClient::Send(message) => {
                    let link = world.clients[client].link.and_then(|id| world.links.get_mut(&id));
                    if let Some(link) = link {
                        link.up.push_back(message.clone());
                    }
                }
                FromClient::Hang => self.sever(world, client),
            }
        }
    }

    /// A server's questions are answered at once, but for appends.
    fn give_server(&self, world: &mut World, server: usize, input: &ToServer) {
        let mut inputs = VecDeque::from([input.clone()]);
        while let Some(input) = inputs.pop_front() {
            let (given, outputs) = self.servers.give(&world.servers[server].given, &input);
            world.servers[server].given = given;
            for output in outputs.iter() {
                match output {
                    FromServer::Send(id, message) => {
                        if let Some(link) = world.links.get_mut(id)
                            && !link.cut
                        {
                            link.down.push_back(message.clone());
                        }
                    }
                    FromServer::Hang(id) => self.hung(world, *id),
                    FromServer::Answered(done) => {
                        world.spent.asked = None;
                        world.spent.refused |= !*done;
                    }
                    FromServer::Ask(ticket, Request::Append(batch)) => {
                        let id = AppendId(server, world.servers[server].life, *ticket);
                        let batch = Marked::new(batch.clone());
                        world.appends.insert(id, Append { batch, awaited: true });
                    }
                    FromServer::Ask(ticket, request) => {
                        world.servers[server].subscribed |= matches!(request, Request::Subscribe);
                        if let Some(answer) = self.ask_log(world, request, None) {
                            inputs.push_back(ToServer::Answer(*ticket, Marked::new(answer)));
                        }
                    }
                }
            }
        }
    }

    /// The server has closed a socket. Its last words are read first.
    fn hung(&self, world: &mut World, id: LinkId) {
        let Some(link) = world.links.remove(&id) else { return };
        let client = usize::from(id.0);
        if world.clients[client].link == Some(id) {
            world.clients[client].link = None;
            for message in link.down {
                self.give_client(world, client, &ToClient::Message(message));
            }
            self.give_client(world, client, &ToClient::Gone);
        }
    }
}

impl super::protocol::Seen {
    fn note(&self, outcome: &AppendOutcome, awaited: bool) {
        let counter = match outcome {
            AppendOutcome::Committed { .. } if awaited => return,
            AppendOutcome::Committed { .. } => &self.late,
            AppendOutcome::Conflict { .. } => &self.conflicts,
            AppendOutcome::Refused { members } => {
                let fenced = members.iter().any(|(_, refusal)| *refusal == Refusal::Fenced);
                if fenced { &self.fenced } else { &self.duplicates }
            }
            _ => return,
        };
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}
