//! What people do: they type, wait, pull plugs, and answer what they are asked.

use super::*;

impl World {
    /// A user edits, waits, wakes the device, or pulls a plug.
    pub(super) fn user(&mut self, client: usize) -> Result<(), String> {
        let (mixed, crashes) = (self.scenario.mixed, if self.calm { 0 } else { self.scenario.crashes });
        let token = char::from_u32(self.next_token).unwrap_or('x');
        self.next_token += 1;
        let now = self.now;
        self.written.insert(token, (client, now));
        if self.chance_of_undo.percent(self.scenario.undos) {
            let back = self.chance_of_undo.percent(65);
            let session = &self.clients[client].session;
            let position = session.engine(self.clients[client].handle).and_then(Engine::position);
            let (returned, gone) = self.clients[client].travel(back, now);
            let knows = position.is_some_and(|position| self.oracle.has_heard(position.version, position.hash));
            // What this user has decided to write again may be undone and redone.
            let past = |token: &char| self.oracle.is_of_the_past(*token) && !self.unheard.contains(token);
            if let Some(token) = returned.chars().find(past).filter(|_| knows) {
                return Err(format!("client {client} brought {token} back, which was deleted with the document"));
            }
            self.unheard.extend(returned.chars());
            // Others' work may have come back by a restoration, as part of an edit of this user.
            let foreign = |token: &char| self.written.get(token).is_some_and(|(author, _)| *author != client);
            if let Some(token) = gone.chars().find(foreign).filter(|_| back && self.scenario.rollbacks == 0) {
                return Err(format!("client {client} undid {token}, which somebody else wrote"));
            }
        } else if self.hardship.percent(self.scenario.typing) {
            if let Some(before) = self.clients[client].type_on(&mut self.chance, token, now) {
                self.typed.push((client, before, token));
            }
        } else if self.hardship.percent(self.scenario.large) {
            self.clients[client].edit_much(&mut self.hardship, mixed, token, now);
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
        if !self.calm && self.access_chance.percent(self.scenario.demotions) {
            let (user, back) = (presence::user_of(client), self.access_chance.between(500, 20_000));
            self.application.let_write(&user, false);
            self.report.demotions += 1;
            self.later(back, Happening::Promotion(user));
        }
        self.ban(client);
        self.suffer(client);
        self.leave_waiting();
        self.maybe_wish()?;
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

    /// In the calm the users answer what they were asked.
    pub(super) fn decide(&mut self) -> Result<(), String> {
        for client in 0..self.clients.len() {
            // Not all at the same moment: some answer when others have done so.
            if self.scenario.whole_losses > 0 && self.hardship.percent(80) {
                continue;
            }
            let open: Vec<(u32, ProposalKind)> = self.clients[client].proposals.clone();
            for (id, kind) in open {
                let (handle, now) = (self.clients[client].handle, self.now);
                let session = &mut self.clients[client].session;
                // Who may not write yet waits until that is allowed.
                if session.engine(handle).is_none_or(|engine| engine.editable().is_err()) {
                    continue;
                }
                let holds = session.engine(handle).is_some_and(|engine| is_in_text(engine, id));
                match kind {
                    ProposalKind::LostAccepted => {
                        let _ = session.accept_proposal(handle, id, now);
                    }
                    // A person looks whether the words are there already.
                    ProposalKind::UnknownOutcome | ProposalKind::NotAllowed if !holds => {
                        let again = session.engine(handle).map(|engine| inserted(engine, id)).unwrap_or_default();
                        let _ = session.accept_proposal(handle, id, now);
                        // What it held is an edit of now, under a new number.
                        let edit = session.engine(handle).map_or(0, |engine| engine.status().local);
                        self.written_again(&again);
                        let own: String = self.clients[client].tokens.values().map(String::as_str).collect();
                        let again: String = again.chars().filter(|token| own.contains(*token)).collect();
                        self.clients[client].renumber(&again, edit);
                    }
                    _ => {
                        let wanted = session.engine(handle).map(|engine| inserted(engine, id)).unwrap_or_default();
                        session.discard_proposal(handle, id, now);
                        // Whoever won may be about to add the rest of a restoration that was too large for one act.
                        let missing = self.clients[client].write_again(&wanted, now);
                        self.unheard.extend(missing.chars());
                        self.written_again(&wanted);
                    }
                }
                self.clients[client].dirty = true;
                self.pump_client(client)?;
            }
        }
        Ok(())
    }

    /// Where text is deleted, nobody sees in the text whether these had been accepted: a person who
    /// writes them again may do it a second time.
    fn written_again(&mut self, tokens: &str) {
        // Nor where the text that held them is gone.
        let unsure = |token: &char| self.scenario.mixed || self.oracle.is_of_the_past(*token);
        self.unheard.extend(tokens.chars().filter(unsure));
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
