//! A log that loses history.

use super::*;

/// So many copies of earlier moments are there to come back from.
const COPIES: usize = 6;

impl World {
    /// The log comes back from an older copy, under the same epoch or another, or knows nothing of the
    /// document any more; and tells nobody.
    pub(super) fn roll_back(&mut self) -> Result<(), String> {
        // Of a log that loses a deletion, or what made the document anew, nobody knows what it must hold.
        let Some(lasting) = self.lasting() else { return Ok(()) };
        let head = self.oracle.head().get();
        let version = Version::new(head - self.chance.between(1, 4.min(head - 1))).unwrap_or_default();
        let version = version.max(self.durable).max(lasting);
        let new_epoch = self.hardship.percent(self.scenario.new_epochs);
        let whole = self.durable.max(lasting) == Version::ZERO && self.hardship.percent(self.scenario.whole_losses);
        let version = if whole { Version::ZERO } else { version };
        let copied = !whole && self.scenario.copies > 0 && self.hardship.percent(self.scenario.copies);
        let copy = if copied { self.draw_copy() } else { None };
        let version = copy.as_ref().map_or(version, |(version, _)| *version);
        if (version == self.oracle.head() && !new_epoch) || (copied && copy.is_none()) {
            return Ok(());
        }
        self.rollbacks_left -= 1;
        let hash = self.oracle.history[version.get() as usize].0;
        // An edit that the log had taken, whose author never heard of it, is honestly sent
        // again, and may also be in what somebody else restores.
        for entry in self.entries.iter().filter(|entry| entry.version > version) {
            let author = self.clients.iter().find_map(|client| {
                let engine = client.session.engine(client.handle)?;
                (engine.client() == Some(entry.client)).then(|| (client, engine.status().accepted))
            });
            if let Some((client, accepted)) = author {
                self.unheard.extend(client.tokens.range(accepted + 1..).flat_map(|(_, token)| token.chars()));
            }
        }
        // What each client has in the log, whether or not it has heard so: the answer may still be on its way.
        let logged: Vec<u64> = self.clients.iter().map(|client| self.oracle.newest_of(client)).collect();
        let lost = self.entries.iter().filter(|entry| entry.version > version);
        self.forgotten.extend(lost.map(|entry| (entry.client, entry.client_seq)));
        self.entries.retain(|entry| entry.version <= version);
        self.oracle.roll_back(&self.entries, version)?;
        if !whole {
            // A log that bears the name of the same life, or of one that the client never learnt, and knows nothing of a
            // client may have forgotten it: that its edits are lost cannot be told, if it is behind what that log
            // reaches back to.
            for (client, logged) in self.clients.iter_mut().zip(logged) {
                let Some(engine) = client.session.engine(client.handle) else { continue };
                let knows_life = engine.position().is_some_and(|position| position.epoch.is_some());
                let forgotten = !self.entries.iter().any(|entry| Some(entry.client) == engine.client());
                if forgotten && !(new_epoch && knows_life) {
                    client.untold = engine.status().accepted.max(logged);
                }
            }
        }
        if whole {
            self.report.whole_losses += 1;
            self.log.forget_document(&self.document);
        } else if let Some((_, copy)) = copy {
            self.report.restored += 1;
            self.log.restore(&self.document, copy);
            if self.hardship.percent(50) {
                // What took the log away took the servers along, with all that was on its way from them.
                (0..self.servers.len()).for_each(|server| self.kill(server));
            }
        } else {
            self.log.truncate_to(&self.document, version, hash);
        }
        if new_epoch && !whole {
            let old = self.log.open_now(&self.document, None).map_err(|error| error.to_string())?.head.epoch;
            let new = Epoch::from_random(self.hardship.bits());
            self.log.advance_epoch_now(&self.document, NewLife { old, new, unless: None });
        }
        self.copies.retain(|(copied, _)| *copied <= version);
        self.keep_existence()?;
        // Only processes that start anew meet such a log: a room that lives on notices.
        self.clients.iter_mut().for_each(|client| client.dirty = false);
        Ok(())
    }

    /// Perhaps makes a copy of the log, from which it may come back later.
    pub(super) fn copy_log(&mut self) {
        if self.scenario.copies == 0 || self.calm || !self.hardship.percent(30) {
            return;
        }
        if self.copies.len() == COPIES {
            self.copies.remove(0);
        }
        let copy = self.log.copy_of(&self.document).map(|copy| (self.oracle.head(), copy));
        self.copies.extend(copy);
    }

    /// One of the copies that lack something, and nothing that is durable.
    fn draw_copy(&mut self) -> Option<(Version, DocumentCopy)> {
        let head = self.oracle.head();
        let possible = self.copies.iter().filter(|(version, _)| *version >= self.durable && *version < head);
        let possible: Vec<_> = possible.cloned().collect();
        let drawn = self.hardship.below(possible.len() as u64) as usize;
        possible.into_iter().nth(drawn)
    }
}
