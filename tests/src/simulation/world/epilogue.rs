//! What is tried at rest, when every run is in the same state: an undo over others' work, and
//! everybody's leaving.

use cowrite_protocol::DocumentType;
use cowrite_protocol::operation::{Attributes, Json, Operation};

use super::*;

/// Longer than a server waits for a sign of life, and than an idle room is kept.
const GONE_MS: u64 = 240_000;

impl World {
    /// Of an attribute that somebody else has written since, an undo leaves theirs.
    pub(super) fn undo_yields(&mut self) -> Result<(), String> {
        if self.clients.len() < 2 || self.scenario.undos == 0 {
            return Ok(());
        }
        let known = self.names();
        self.edit_at_rest(1, &Operation::builder().insert("xy").build())?;
        let paint = |colour: &str, length, more: &str| {
            let colour = Attributes::from_pairs([("color", Json::string(colour))]);
            Operation::builder().insert(more).retain_with(length, &colour).build()
        };
        // With a letter of its own the undo has something to do, whoever painted last.
        self.edit_at_rest(0, &paint("red", RichText::length(self.oracle.document()), "z"))?;
        let before = self.oracle.document().text().to_string();
        // Where the log was asked twice for whoever opens, and heard that in the other order, a client is superseded by
        // itself at its next edit, and that is set aside.
        if self.names() != known {
            return self.accept_all();
        }
        self.edit_at_rest(1, &paint("blue", RichText::length(self.oracle.document()), ""))?;
        let (handle, now) = (self.clients[0].handle, self.now);
        if !matches!(self.clients[0].session.undo(handle, now), Some(Ok(Some(_)))) {
            return Err("client 0 cannot undo what it did last".to_owned());
        }
        self.clients[0].dirty = true;
        self.rest(0)?;
        let (blue, after) = (Json::string("blue"), self.oracle.document().text().to_string());
        if before.strip_prefix('z') != Some(after.as_str()) {
            return Err(format!("the undo of a letter made {before} into {after}"));
        }
        match self.oracle.document().runs().find(|run| run.attributes.get("color") != Some(&blue)) {
            None => Ok(()),
            Some(run) => Err(format!("an undo wrote over what another had written since: {run:?}")),
        }
    }

    /// One after the other leaves: who stays is shown nobody else soon, and at last every room is empty.
    pub(super) fn all_leave(&mut self) -> Result<(), String> {
        let last = self.clients.len() - 1;
        for client in 0..last {
            self.leave(client)?;
        }
        let alone = |world: &World| {
            let staying = &world.clients[last];
            let engine = staying.session.engine(staying.handle);
            engine.is_some_and(|engine| engine.members().count() == 1 && engine.members().all(|member| member.own))
        };
        self.until("the last client is alone", alone)?;
        self.leave(last)?;
        self.until("every room is empty", |world| {
            let mut rooms = world.servers.iter().flat_map(|server| server.rooms.values());
            rooms.all(|running| running.room.channels() == 0)
        })?;
        // Pages are closed; rooms are unloaded, and sockets that nobody has heard of are noticed.
        for client in 0..self.clients.len() {
            if let Some(link) = self.clients[client].link.take() {
                self.cut(link, false);
            }
            // Nobody is there any more to connect again.
            self.clients[client].asleep_until = Millis(u64::MAX);
        }
        // Also one that could never subscribe, and is looked at by nobody since.
        for (index, server) in self.servers.iter().enumerate() {
            for (channel, running) in &server.rooms {
                let to = RoomName { server: index, life: server.life, channel: *channel, room_life: running.life };
                self.order += 1;
                self.queue.insert((self.now + LOOK_MS, self.order), Happening::Look(to));
            }
        }
        self.within(GONE_MS, "no room and no connection is left", |world| {
            world.servers.iter().all(|server| server.rooms.is_empty() && server.connections.is_empty())
        })
    }

    /// What was set aside is written after all.
    fn accept_all(&mut self) -> Result<(), String> {
        for client in 0..self.clients.len() {
            let (handle, now) = (self.clients[client].handle, self.now);
            for (proposal, _) in self.clients[client].proposals.clone() {
                let _ = self.clients[client].session.accept_proposal(handle, proposal, now);
            }
            self.clients[client].dirty = true;
            self.rest(client)?;
        }
        Ok(())
    }

    /// As whom everybody writes.
    fn names(&self) -> Vec<Option<ClientId>> {
        let engines = self.clients.iter().map(|client| client.session.engine(client.handle));
        engines.map(|engine| engine.and_then(Engine::client)).collect()
    }

    fn leave(&mut self, client: usize) -> Result<(), String> {
        let (handle, now) = (self.clients[client].handle, self.now);
        self.clients[client].session.close(handle, now);
        self.pump_client(client)
    }

    fn edit_at_rest(&mut self, client: usize, operation: &Operation) -> Result<(), String> {
        let (handle, now) = (self.clients[client].handle, self.now);
        match self.clients[client].session.edit(handle, operation, now) {
            Some(Ok(_)) => {}
            other => return Err(format!("client {client} cannot edit at rest: {other:?}")),
        }
        self.clients[client].dirty = true;
        self.rest(client)
    }

    fn rest(&mut self, client: usize) -> Result<(), String> {
        self.pump_client(client)?;
        self.until("everybody is in step", World::is_quiet)
    }

    fn until(&mut self, what: &str, reached: impl Fn(&World) -> bool) -> Result<(), String> {
        self.within(STAY_MS, what, reached)
    }

    fn within(&mut self, time_ms: u64, what: &str, reached: impl Fn(&World) -> bool) -> Result<(), String> {
        let end = self.now + time_ms;
        while !reached(self) {
            if self.now > end {
                return Err(format!("waited {time_ms} ms at rest until {what}"));
            }
            self.step()?;
        }
        Ok(())
    }
}
