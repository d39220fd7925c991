//! What is asked after every step.

use super::*;

impl World {
    /// After every step: what changed is still the truth.
    pub(super) fn check(&mut self) -> Result<(), String> {
        self.hear_wishes()?;
        for (index, client) in self.clients.iter_mut().enumerate() {
            if !std::mem::take(&mut client.dirty) {
                continue;
            }
            let who = format!("client {index}");
            // What is lost and was deleted by others meanwhile may be brought back more than once; and what goes in
            // several pieces may stand in its new place before it is gone from the old one.
            let restored = self.scenario.rollbacks > 0 && (self.scenario.mixed || self.scenario.large > 0);
            let brought_back = self.scenario.undos > 0 || restored;
            if !brought_back {
                self.oracle.check_shown(&who, client, &self.unheard)?;
            }
            if self.scenario.watermarks && !self.scenario.mixed {
                self.oracle.check_durable(&who, client)?;
            }
            if self.scenario.rollbacks > self.rollbacks_left {
                if let Some(engine) = client.session.engine(client.handle)
                    && let Some(position) = engine.position()
                {
                    self.oracle.check_history(&who, position.version, position.hash, engine.accepted_document())?;
                    if !self.scenario.mixed && self.scenario.undos == 0 {
                        self.oracle.check_told(&who, client, position.version, position.hash)?;
                    }
                }
                continue;
            }
            if let Some(engine) = client.session.engine(client.handle)
                && let Some(position) = engine.position()
            {
                self.oracle.check_replica(&who, position.version, position.hash, engine.accepted_document())?;
            }
            self.oracle.check_status(&who, client, self.scenario.mixed, &self.unheard)?;
        }
        if self.report.steps.is_multiple_of(8) {
            for (index, server) in self.servers.iter().enumerate() {
                let most = server.connections.values().map(|running| running.outbox.bytes()).max().unwrap_or(0);
                if most > self.scenario.queue_bytes + BEYOND_QUEUE_BYTES {
                    return Err(format!("server {index}: {most} bytes wait for one socket"));
                }
            }
        }
        if self.report.steps.is_multiple_of(8) {
            for (index, server) in self.servers.iter().enumerate() {
                // What a room has read before it compared that with the log's head it shows to nobody.
                for running in server.rooms.values().filter(|running| running.room.is_open()) {
                    let (head, document) = (running.room.sequencer().head(), running.room.sequencer().document());
                    let who = format!("server {index}");
                    match self.scenario.rollbacks == self.rollbacks_left {
                        true => self.oracle.check_replica(&who, head.version, head.hash, document)?,
                        false => self.oracle.check_history(&who, head.version, head.hash, document)?,
                    }
                }
            }
        }
        Ok(())
    }
}
