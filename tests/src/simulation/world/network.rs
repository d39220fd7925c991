//! Messages on their way, and what happens to them.

use super::*;

impl World {
    pub(super) fn pump_client(&mut self, index: usize) -> Result<(), String> {
        while let Some(output) = self.clients[index].poll() {
            match output {
                Output::NeedToken => {
                    let now = self.now;
                    let token = self.application.token(&presence::user_of(index), now);
                    self.clients[index].session.provide_token(&token, now);
                }
                Output::Connect => self.connect(index),
                Output::Disconnect => {
                    if let Some(link) = self.clients[index].link.take() {
                        self.cut(link, false);
                    }
                }
                Output::Send(message) => {
                    if let Some(id) = self.clients[index].link {
                        let delay = self.chance.between(1, self.scenario.latency_ms);
                        if let Some(link) = self.links.get_mut(&id).filter(|link| link.held_until.is_none()) {
                            link.up_until = link.up_until.max(self.now + delay);
                            let at = link.up_until;
                            self.at(at, Happening::Up(id, message));
                        }
                    }
                }
                Output::Load { .. } => self.load(index)?,
                Output::Store { ticket, record, .. } => self.store(index, ticket, record),
                Output::Event(event) => {
                    self.clients[index].hear(event).map_err(|fault| format!("client {index}: {fault}"))?
                }
            }
        }
        Ok(())
    }

    pub(super) fn connect(&mut self, client: usize) {
        let up: Vec<usize> = (0..self.servers.len()).filter(|server| self.servers[*server].up).collect();
        let id = LinkId(self.fresh());
        self.clients[client].link = Some(id);
        self.connects[client] += 1;
        let offline = self.clients[client].offline_until > self.now;
        let Some(&server) = self.chance.pick(&up).filter(|_| !offline) else {
            return self.later(10, Happening::ClientGone(client, id));
        };
        let connection = ConnectionId(self.fresh());
        self.servers[server].accept(connection, id, self.now);
        let delay = self.chance.between(1, self.scenario.latency_ms);
        let (up_until, down_until) = (self.now + delay, self.now + delay);
        self.links.insert(
            id,
            Link { client, server, connection, hole: false, held_until: None, up_until, down_until, writing: false },
        );
        self.later(delay, Happening::Connected(client, id));
    }

    pub(super) fn maybe_cut(&mut self, link: LinkId) {
        if !self.calm && self.chance.percent(self.scenario.cuts) {
            self.report.cuts += 1;
            let half_open = self.chance.percent(self.scenario.half_open);
            if self.hardship.percent(self.scenario.lingering) {
                self.linger(link);
            } else if !half_open && self.hardship.percent(self.scenario.torn) {
                self.tear(link);
            } else {
                self.cut(link, half_open);
            }
        }
    }

    /// What is under way is lost. Both sides learn of it some time, or by silence only.
    pub(super) fn cut(&mut self, id: LinkId, half_open: bool) {
        let Some(link) = self.links.get_mut(&id) else { return };
        // The client has given it up already, and the server will learn of it.
        if link.held_until.is_some() {
            return;
        }
        if half_open {
            link.hole = true;
            return;
        }
        let link = link.clone();
        self.links.remove(&id);
        let (to_client, to_server) = (self.chance.between(1, 500), self.chance.between(1, 5_000));
        self.later(to_client, Happening::ClientGone(link.client, id));
        self.later(to_server, Happening::ServerGone(link.server, link.connection));
    }

    /// A socket takes what its reader has made room for.
    pub(super) fn write(&mut self, id: LinkId) -> Result<(), String> {
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        link.writing = false;
        let (server, connection) = (link.server, link.connection);
        let Some(running) = self.servers[server].connections.get_mut(&connection) else { return Ok(()) };
        if running.late_until > self.now {
            link.writing = true;
            let until = running.late_until;
            self.at(until, Happening::Write(id));
            return Ok(());
        }
        let taken = running.outbox.take(64);
        for (channel, permit) in taken.closed {
            running.connection.handle_channel_closed(channel, &permit);
        }
        let mut message: Vec<u8> = taken.frames.concat();
        if let Some((code, retry)) = taken.end {
            message.extend_from_slice(&cowrite_server::connection::Connection::farewell(code, retry));
        }
        for channel in taken.drained {
            if let Some(running) = self.servers[server].rooms.get_mut(&channel) {
                running.tell(RoomCommand::Drained { connection }, self.now);
            }
        }
        self.check_secrecy(self.links.get(&id).map_or(0, |link| link.client), &message)?;
        if !message.is_empty() {
            let bytes = message.len() as u64;
            let delay = self.chance.between(1, self.scenario.latency_ms) + bytes * 1_000 / self.scenario.reader_bytes;
            if let Some(link) = self.links.get_mut(&id) {
                link.down_until = link.down_until.max(self.now + delay);
                let at = link.down_until;
                self.at(at, Happening::Down(id, message));
                // The next write waits until the reader has taken this one.
                if let Some(link) = self.links.get_mut(&id) {
                    link.writing = true;
                }
                self.later(1 + bytes * 1_000 / self.scenario.reader_bytes, Happening::Write(id));
            }
        }
        if taken.end.is_some() {
            self.servers[server].disconnect(connection, self.now);
        }
        self.pump_server(server)
    }

    pub(super) fn pump_server(&mut self, index: usize) -> Result<(), String> {
        let life = self.servers[index].life;
        let channels: Vec<Channel> = self.servers[index].rooms.keys().copied().collect();
        for channel in channels {
            let Some(running) = self.servers[index].rooms.get_mut(&channel) else { continue };
            let to = RoomName { server: index, life, channel, room_life: running.life };
            let (mut requests, mut messages) = (Vec::new(), Vec::new());
            let begins = !std::mem::replace(&mut running.listens, true);
            while let Some(output) = running.room.poll_output() {
                match output {
                    RoomOutput::Log(ticket, request) => requests.push((ticket, request)),
                    RoomOutput::Presence(message) => messages.push(message),
                }
            }
            if begins {
                self.listen(to);
            }
            for (ticket, request) in requests {
                let delay = self.chance.between(1, 20);
                self.later(delay, Happening::Ask { to, ticket, request, answered: true });
            }
            messages.into_iter().for_each(|message| self.tell(message));
        }
        let connections = self.servers[index].connections.values();
        let waiting: Vec<LinkId> =
            connections.filter(|running| running.outbox.has_work()).map(|running| running.link).collect();
        for id in waiting {
            if let Some(link) = self.links.get_mut(&id)
                && !link.writing
            {
                link.writing = true;
                self.later(0, Happening::Write(id));
            }
        }
        Ok(())
    }
}
