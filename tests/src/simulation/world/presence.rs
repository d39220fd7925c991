//! Presence between servers: lost, doubled and reordered at will; and who is really here.

use bytes::Bytes;
use cowrite_server::presence::PresenceEvent;

use super::*;

impl World {
    /// A room has subscribed; that is in force some time later.
    pub(super) fn listen(&mut self, to: RoomName) {
        let delay = self.presence_chance.between(1, 200);
        self.later(delay, Happening::Presence { to, event: PresenceEvent::Subscribed });
    }

    /// A room's message goes to every room that is there, also to itself.
    pub(super) fn tell(&mut self, message: Bytes) {
        self.report.presence += 1;
        let rooms = |(server, running): (usize, &Server)| {
            let life = running.life;
            let rooms = running.rooms.iter();
            rooms.map(|(channel, room)| RoomName { server, life, channel: *channel, room_life: room.life }).collect()
        };
        let listeners: Vec<Vec<RoomName>> = self.servers.iter().enumerate().map(rooms).collect();
        for to in listeners.concat() {
            let copies = match self.presence_chance.percent(self.scenario.presence_faults) && !self.calm {
                false => 1,
                true => 2 * self.presence_chance.below(2),
            };
            for _ in 0..copies {
                let delay = self.presence_chance.between(1, 200);
                let event = PresenceEvent::Message(message.clone());
                self.later(delay, Happening::Presence { to, event });
            }
        }
    }

    /// A client shows those who have the document open, at whichever server, each once, and
    /// nobody else.
    pub(super) fn sees_who_is_here(&self, client: &Client) -> bool {
        let Some(engine) = client.session.engine(client.handle) else { return false };
        let mut shown: Vec<&str> = engine.members().map(|member| member.user.as_str()).collect();
        let mut truth: Vec<String> = (0..self.clients.len()).map(user_of).collect();
        shown.sort_unstable();
        truth.sort_unstable();
        shown == truth && engine.members().filter(|member| member.own).count() == 1
    }

    /// Once everybody sees everybody, it stays so: nobody expires, nobody is revived.
    pub(super) fn stay(&mut self) -> Result<(), String> {
        if self.scenario.rollbacks > 0 {
            // A log that has lost all counts stays from the first again, so a stay that is over may seem the newer one
            // until nobody believes in it any more, and the one that lives is not shown until its next frame.
            let until = self.now + 2 * STAY_MS;
            while self.now < until {
                self.step()?;
            }
        }
        let until = self.now + STAY_MS;
        while self.now < until {
            self.step()?;
            if let Some(index) = self.clients.iter().position(|client| !self.sees_who_is_here(client)) {
                let client = &self.clients[index];
                let engine = client.session.engine(client.handle).ok_or("no engine")?;
                let shown: Vec<_> = engine.members().map(|member| (member.number, member.user.clone())).collect();
                return Err(format!("client {index} is shown {shown:?} at rest"));
            }
        }
        Ok(())
    }
}

/// The user of a client; several clients may be of one user.
pub(super) fn user_of(client: usize) -> String {
    format!("user{}", client % 3)
}
