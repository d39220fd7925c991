//! What people do: they type, wait, pull plugs, and answer what they are asked.

use super::*;

impl World {
    /// A user edits, waits, wakes the device, or pulls a plug.
    pub(super) fn user(&mut self, client: usize) -> Result<(), String> {
        let (mixed, crashes) = (self.scenario.mixed, if self.calm { 0 } else { self.scenario.crashes });
        let token = char::from_u32(self.next_token).unwrap_or('x');
        self.next_token += 1;
        let now = self.now;
        if self.chance_of_undo.percent(self.scenario.undos) {
            let back = self.chance_of_undo.percent(65);
            let returned = self.clients[client].travel(back, now);
            self.unheard.extend(returned.chars());
        } else {
            self.clients[client].edit(&mut self.chance, mixed, token, now);
        }
        if !self.calm && self.chance.percent(2) {
            self.clients[client].session.handle_wake(now);
        }
        let killed = self.clients[client].keeps && !self.calm && self.device_chance.percent(self.scenario.page_crashes);
        if killed {
            self.crash_page(client)?;
        }
        if self.chance.percent(crashes) {
            let server = self.chance.below(self.servers.len() as u64) as usize;
            self.kill(server);
        }
        if !self.calm && self.rollbacks_left > 0 && self.oracle.head().get() > 4 && self.chance.percent(3) {
            self.roll_back()?;
        }
        // Bursts of typing, pauses, and now and then a long absence.
        let wait = match self.chance.below(100) {
            0..=97 if self.scenario.hot && client.is_multiple_of(2) => self.chance.between(1, 60),
            0..=59 => self.chance.between(1, 30),
            60..=94 => self.chance.between(30, 800),
            _ => self.chance.between(800, 20_000),
        };
        if self.clients[client].left > 0 {
            self.later(wait, Happening::User(client));
        }
        self.pump_client(client)
    }

    pub(super) fn kill(&mut self, server: usize) {
        if !self.servers[server].up {
            return;
        }
        self.report.kills += 1;
        let gone: Vec<LinkId> =
            self.links.iter().filter(|(_, link)| link.server == server).map(|(id, _)| *id).collect();
        self.servers[server].kill();
        for link in gone {
            self.cut(link, false);
        }
        let back = self.chance.between(100, 10_000);
        self.later(back, Happening::Restart(server));
    }

    /// The log comes back from an older copy, under the same epoch, and tells nobody.
    pub(super) fn roll_back(&mut self) -> Result<(), String> {
        self.rollbacks_left -= 1;
        let head = self.oracle.head().get();
        let version = Version::new(head - self.chance.between(1, 4.min(head - 1))).unwrap_or_default();
        let hash = self.oracle.history[version.get() as usize].0;
        // An edit that the log had taken, whose author never heard of it, is honestly sent
        // again, and may also be in what somebody else restores.
        for entry in self.entries.iter().filter(|entry| entry.version > version) {
            let author = self.clients.iter().find_map(|client| {
                let engine = client.session.engine(client.handle)?;
                (engine.client() == Some(entry.client)).then(|| (client, engine.status().accepted))
            });
            if let Some((client, accepted)) = author {
                self.unheard.extend(client.tokens.range(accepted + 1..).map(|(_, token)| *token));
            }
        }
        self.entries.retain(|entry| entry.version <= version);
        self.oracle.roll_back(&self.entries, version)?;
        self.log.truncate_to(&self.document, version, hash);
        // Only processes that start anew meet such a log: a room that lives on notices.
        self.clients.iter_mut().for_each(|client| client.dirty = false);
        Ok(())
    }

    /// In the calm the users answer what they were asked.
    pub(super) fn decide(&mut self) -> Result<(), String> {
        for client in 0..self.clients.len() {
            let open: Vec<(u32, ProposalKind)> = self.clients[client].proposals.clone();
            for (id, kind) in open {
                let (handle, now) = (self.clients[client].handle, self.now);
                let session = &mut self.clients[client].session;
                let holds = session.engine(handle).is_some_and(|engine| is_in_text(engine, id));
                match kind {
                    ProposalKind::LostAccepted => {
                        let _ = session.accept_proposal(handle, id, now);
                    }
                    // A person looks whether the words are there already.
                    ProposalKind::UnknownOutcome if !holds => {
                        let again = session.engine(handle).map(|engine| inserted(engine, id)).unwrap_or_default();
                        let _ = session.accept_proposal(handle, id, now);
                        // What it held is an edit of now, under a new number.
                        let edit = session.engine(handle).map_or(0, |engine| engine.status().local);
                        self.clients[client].tokens.retain(|_, token| !again.contains(*token));
                        self.clients[client].tokens.extend(again.chars().next().map(|token| (edit, token)));
                    }
                    _ => {
                        let wanted = session.engine(handle).map(|engine| inserted(engine, id)).unwrap_or_default();
                        session.discard_proposal(handle, id, now);
                        self.clients[client].write_again(&wanted, now);
                    }
                }
                self.clients[client].dirty = true;
                self.pump_client(client)?;
            }
        }
        Ok(())
    }
}

/// Whether anything that a proposal would insert is in the text already.
fn is_in_text(engine: &Engine<RichText>, id: u32) -> bool {
    inserted(engine, id).chars().any(|token| engine.document().text().chars().any(|unit| unit == token))
}

/// What a proposal would insert.
fn inserted(engine: &Engine<RichText>, id: u32) -> String {
    let proposal = engine.proposals().iter().find(|proposal| proposal.id == id);
    let components = proposal.map_or(&[][..], |proposal| proposal.operation.components());
    let texts = components.iter().filter_map(|component| match component {
        Component::Insert { text, .. } => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}
