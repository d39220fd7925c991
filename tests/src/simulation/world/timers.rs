//! What clients, rooms and connections wait for.

use cowrite_protocol::Millis;
use cowrite_server::room::ConnectionId;

use super::World;
use crate::simulation::link::Link;
use crate::simulation::server::RunningConnection;

impl World {
    /// When the next one runs out.
    pub(super) fn next_timer(&self) -> Option<Millis> {
        let awake = self.clients.iter().filter(|client| client.asleep_until <= self.now);
        let clients = awake.filter_map(|client| client.session.poll_timeout());
        let servers = self.servers.iter().flat_map(|server| {
            let rooms = server.rooms.values().filter_map(|running| running.room.poll_timeout());
            // Who gets a turn late writes what waits before it looks at the clock.
            let late = |running: &RunningConnection| Some(running.connection.poll_timeout()?.max(running.late_until));
            rooms.chain(server.connections.values().filter_map(late))
        });
        clients.chain(servers).min()
    }

    /// Whoever waits for this moment is told that it has come.
    pub(super) fn timers(&mut self) -> Result<(), String> {
        let now = self.now;
        for client in 0..self.clients.len() {
            let awake = self.clients[client].asleep_until <= now;
            if awake && self.clients[client].session.poll_timeout().is_some_and(|at| at <= now) {
                self.clients[client].dirty = true;
                self.clients[client].session.handle_timeout(now, 0);
                self.pump_client(client)?;
            }
        }
        for server in 0..self.servers.len() {
            for running in self.servers[server].rooms.values_mut() {
                if running.room.poll_timeout().is_some_and(|at| at <= now) {
                    running.room.handle_timeout(now);
                }
            }
            let connections: Vec<ConnectionId> = self.servers[server].connections.keys().copied().collect();
            for id in connections {
                if let Some(running) = self.servers[server].connections.get_mut(&id) {
                    if running.late_until > now {
                        continue;
                    }
                    // The pings of a socket are not frames and not sent here one by one: where the link
                    // carries both ways, the last one was answered.
                    let answers = |link: &Link| {
                        let client = &self.clients[link.client];
                        let carries = !link.hole && link.held_until.is_none() && client.link == Some(running.link);
                        carries && client.asleep_until <= now
                    };
                    if running.connection.poll_timeout().is_some_and(|at| at <= now)
                        && self.links.get(&running.link).is_some_and(answers)
                    {
                        running.connection.handle_sign_of_life(now);
                    }
                    running.connection.handle_timeout(now);
                }
                let (chance, next_id) = (&mut self.chance, &mut self.next_id);
                self.servers[server].pump_connection(id, &self.application, chance, next_id, now);
            }
            self.pump_server(server)?;
        }
        Ok(())
    }
}
