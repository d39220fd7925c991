//! Devices that sleep, networks that go away, and cuts that the two sides see differently.

use cowrite_protocol::codec::{decode_client, decode_server, encode_client, encode_server};

use super::*;

impl World {
    /// Whether it concerns a device that sleeps; then it happens once that wakes, in the same order.
    pub(super) fn is_slept_through(&self, happening: &Happening) -> Option<Millis> {
        let client = match happening {
            Happening::User(client)
            | Happening::Connected(client, _)
            | Happening::Stored(client, _)
            | Happening::ClientGone(client, _) => *client,
            Happening::Down(link, _) | Happening::Write(link) => self.links.get(link)?.client,
            _ => return None,
        };
        let until = self.clients[client].asleep_until;
        (until > self.now).then_some(until)
    }

    /// Perhaps puts the device to sleep, or takes its network away.
    pub(super) fn suffer(&mut self, client: usize) {
        if self.calm {
            return;
        }
        if self.hardship.percent(self.scenario.sleeps) {
            self.report.sleeps += 1;
            let until = self.now + self.hardship.between(5_000, 120_000);
            self.clients[client].asleep_until = until;
            self.at(until, Happening::Wake(client));
        }
        if self.hardship.percent(self.scenario.absences) {
            self.report.absences += 1;
            let until = self.now + self.hardship.between(1_000, 60_000);
            self.clients[client].offline_until = until;
            self.at(until, Happening::Wake(client));
            if let Some(link) = self.clients[client].link {
                self.cut(link, false);
            }
        }
    }

    /// Perhaps leaves some of a server's tasks without a turn for a while: connections, which then
    /// write what waits before they look at the clock; or the ears of its rooms, which go on with the
    /// log and with other servers, and hear later, in order, what their connections tell them.
    pub(super) fn leave_waiting(&mut self) {
        if self.calm || !self.hardship.percent(self.scenario.late_turns) {
            return;
        }
        self.report.late += 1;
        let index = self.hardship.below(self.servers.len() as u64) as usize;
        let until = self.now + self.hardship.between(50, 8_000);
        let server = &mut self.servers[index];
        if self.hardship.percent(60) {
            for running in server.connections.values_mut().filter(|_| self.hardship.percent(50)) {
                running.late_until = running.late_until.max(until);
            }
            return;
        }
        let life = server.life;
        let names = server.rooms.iter_mut().map(|(channel, running)| {
            running.deafen(until);
            RoomName { server: index, life, channel: *channel, room_life: running.life }
        });
        for to in names.collect::<Vec<_>>() {
            self.at(until, Happening::Hear(to));
        }
    }

    /// The device wakes up, or has a network again.
    pub(super) fn wake(&mut self, client: usize) -> Result<(), String> {
        let awake = &mut self.clients[client];
        if awake.asleep_until <= self.now && awake.offline_until <= self.now {
            awake.session.handle_wake(self.now);
        }
        self.pump_client(client)
    }

    /// The client gives the socket up; the server's side of it lives on, and what was under way to
    /// it arrives some time later.
    pub(super) fn linger(&mut self, id: LinkId) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if link.held_until.is_some() {
            return;
        }
        self.report.lingering += 1;
        let held_until = self.now + self.hardship.between(0, 12_000);
        link.held_until = Some(held_until);
        let (client, server, connection) = (link.client, link.server, link.connection);
        let (told, gone) = (self.hardship.between(1, 500), self.hardship.between(1, 10_000));
        self.later(told, Happening::ClientGone(client, id));
        self.at(held_until + gone, Happening::ServerGone(server, connection));
    }

    /// The cut goes through the middle of what is under way: frames that were there whole arrive.
    pub(super) fn tear(&mut self, id: LinkId) {
        let under_way = |happening: &Happening| match happening {
            Happening::Up(link, _) | Happening::Down(link, _) => *link == id,
            _ => false,
        };
        let keys: Vec<_> =
            self.queue.iter().filter(|(_, happening)| under_way(happening)).map(|(key, _)| *key).collect();
        let (mut up, mut down) = (None, None);
        for key in keys {
            match self.queue.remove(&key) {
                Some(Happening::Up(_, message)) => up = up.or(Some(message)),
                Some(Happening::Down(_, message)) => down = down.or(Some(message)),
                _ => {}
            }
        }
        self.report.torn += 1;
        if let Some(message) = up {
            let frames: Vec<_> = decode_client(&message, usize::MAX).filter_map(Result::ok).collect();
            let whole = self.hardship.below(frames.len() as u64 + 1) as usize;
            let mut rest = Vec::new();
            frames[..whole].iter().for_each(|frame| encode_client(frame, &mut rest));
            self.later(0, Happening::Up(id, rest));
        }
        if let Some(message) = down {
            let frames: Vec<_> = decode_server(&message, usize::MAX).filter_map(Result::ok).collect();
            let whole = self.hardship.below(frames.len() as u64 + 1) as usize;
            let mut rest = Vec::new();
            frames[..whole].iter().for_each(|frame| encode_server(frame, &mut rest));
            self.later(0, Happening::Down(id, rest));
        }
        self.later(0, Happening::Cut(id));
    }
}
