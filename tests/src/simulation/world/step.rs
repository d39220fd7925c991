//! One step of a run: the next thing happens, to whom it happens.

use super::*;

impl World {
    /// The next thing happens, or the next timer runs out.
    pub(super) fn step(&mut self) -> Result<(), String> {
        self.report.steps += 1;
        if self.report.steps > MOST_STEPS {
            return Err(format!("no end in sight: something happens again and again, last {}", self.last));
        }
        let timer = self.next_timer();
        let happening = self.queue.keys().next().map(|(at, _)| *at);
        match (happening, timer) {
            (Some(at), timer) if timer.is_none_or(|timer| at <= timer) => {
                self.now = self.now.max(at);
                if let Some((_, happening)) = self.queue.pop_first() {
                    self.last = happening.name();
                    match self.is_slept_through(&happening) {
                        Some(until) => self.at(until, happening),
                        None => self.happen(happening)?,
                    }
                }
            }
            (_, Some(timer)) => {
                self.now = self.now.max(timer);
                self.last = "a timer";
                self.timers()?;
            }
            _ => return Err("nothing will ever happen again".to_owned()),
        }
        self.check()
    }

    fn happen(&mut self, happening: Happening) -> Result<(), String> {
        match happening {
            Happening::User(client) => self.user(client),
            Happening::Up(link, message) => {
                let Some(known) = self.links.get(&link).filter(|known| !known.hole).cloned() else { return Ok(()) };
                if let Some(until) = known.held_until.filter(|until| *until > self.now) {
                    self.at(until, Happening::Up(link, message));
                    return Ok(());
                }
                let late = self.servers[known.server].connections.get(&known.connection);
                if let Some(until) = late.map(|running| running.late_until).filter(|until| *until > self.now) {
                    self.at(until, Happening::Up(link, message));
                    return Ok(());
                }
                self.report.messages += 1;
                if std::env::var_os("COWRITE_TRACE").is_some() {
                    eprintln!(
                        "{} up {} {:?}",
                        self.now.0,
                        known.client,
                        cowrite_protocol::codec::decode_client(&message, 1 << 20).collect::<Vec<_>>()
                    );
                }
                let server = &mut self.servers[known.server];
                if let Some(running) = server.connections.get_mut(&known.connection) {
                    running.connection.handle_message(&message, self.now);
                    server.pump_connection(
                        known.connection,
                        &self.application,
                        &mut self.chance,
                        &mut self.next_id,
                        self.now,
                    );
                }
                self.maybe_cut(link);
                self.pump_server(known.server)
            }
            Happening::Down(link, mut message) => {
                let heard = |known: &&Link| !known.hole && known.held_until.is_none();
                let Some(known) = self.links.get(&link).filter(heard).cloned() else { return Ok(()) };
                self.report.messages += 1;
                if std::env::var_os("COWRITE_TRACE").is_some() {
                    eprintln!(
                        "{} down {} {:?}",
                        self.now.0,
                        known.client,
                        cowrite_protocol::codec::decode_server(&message, 1 << 20).collect::<Vec<_>>()
                    );
                }
                let composed = |frame| matches!(frame, Ok(cowrite_protocol::frame::ServerFrame::Composed { .. }));
                self.report.composed +=
                    u64::from(cowrite_protocol::codec::decode_server(&message, 1 << 20).any(composed));
                self.garble(known.client, &mut message);
                let client = &mut self.clients[known.client];
                if client.link == Some(link) {
                    client.dirty = true;
                    client.session.handle_message(&message, self.now);
                }
                self.maybe_cut(link);
                self.pump_client(known.client)
            }
            Happening::Connected(client, link) => {
                if self.clients[client].link == Some(link) {
                    self.clients[client].session.handle_connected(self.now);
                }
                self.pump_client(client)
            }
            Happening::ClientGone(client, link) => {
                let client_state = &mut self.clients[client];
                if client_state.link == Some(link) {
                    client_state.link = None;
                    client_state.session.handle_disconnected(self.now);
                }
                self.pump_client(client)
            }
            Happening::ServerGone(server, connection) => {
                self.servers[server].disconnect(connection, self.now);
                self.links.retain(|_, link| link.connection != connection);
                self.pump_server(server)
            }
            Happening::Write(link) => self.write(link),
            Happening::Stored(client, life) => self.stored(client, life),
            Happening::Ask { to, ticket, request, answered } => self.ask(to, ticket, request, answered),
            Happening::Answer { to, ticket, answer } => {
                if let Some(running) = self.room(to) {
                    let now = self.now;
                    if let Some(running) = self.servers[to.server].rooms.get_mut(&running) {
                        running.room.handle_log(ticket, answer, now);
                    }
                }
                self.pump_server(to.server)
            }
            Happening::Feed { to, event } => {
                if let Some(channel) = self.room(to) {
                    let now = self.now;
                    if let Some(running) = self.servers[to.server].rooms.get_mut(&channel) {
                        running.room.handle_feed(event, now);
                    }
                }
                self.pump_server(to.server)
            }
            Happening::Presence { to, event } => {
                if let Some(channel) = self.room(to) {
                    let now = self.now;
                    if let Some(running) = self.servers[to.server].rooms.get_mut(&channel) {
                        running.room.handle_presence(event, now);
                    }
                }
                self.pump_server(to.server)
            }
            Happening::Look(to) => {
                if let Some(channel) = self.room(to) {
                    let now = self.now;
                    if let Some(running) = self.servers[to.server].rooms.get_mut(&channel) {
                        running.room.look(now);
                        let idle = running.is_unloadable();
                        if idle && self.chance.percent(50) {
                            self.servers[to.server].rooms.remove(&channel);
                        } else {
                            self.later(LOOK_MS, Happening::Look(to));
                        }
                    }
                }
                self.pump_server(to.server)
            }
            Happening::Hear(to) => {
                if let Some(channel) = self.room(to)
                    && let Some(running) = self.servers[to.server].rooms.get_mut(&channel)
                {
                    running.hear(self.now);
                }
                self.pump_server(to.server)
            }
            Happening::Restart(server) => {
                self.servers[server].up = true;
                Ok(())
            }
            Happening::Promotion(user) => {
                self.application.let_write(&user, true);
                Ok(())
            }
            Happening::Readmission(user) => self.readmit(&user),
            Happening::Wake(client) => self.wake(client),
            Happening::Cut(link) => {
                self.cut(link, false);
                Ok(())
            }
            Happening::Synced(version, hash) => self.synced(version, hash),
        }
    }
}
