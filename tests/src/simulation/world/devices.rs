//! Pages that are killed and come back with what their device has kept.

use cowrite_client::{Found, Written};

use super::*;

impl World {
    /// The device writes, and says so after a while; or it fails.
    pub(super) fn store(&mut self, client: usize, ticket: u32, record: cowrite_client::Record) {
        self.clients[client].device.ask(ticket, record);
        let delay = self.device_chance.between(1, 40);
        let life = self.clients[client].device.life;
        // Writes are done in the order in which they were asked for.
        let at = self.clients[client].stores_until.max(self.now + delay);
        self.clients[client].stores_until = at;
        self.at(at, Happening::Stored(client, life));
    }

    pub(super) fn stored(&mut self, client: usize, life: u64) -> Result<(), String> {
        let faulty = !self.calm && self.device_chance.percent(self.scenario.store_faults);
        let written = match faulty.then(|| self.device_chance.below(3)) {
            None => Written::Stored,
            Some(0) => Written::Emptied,
            Some(_) => Written::Failed,
        };
        // The store may have done what it says it has not.
        let done = !faulty || self.device_chance.percent(30);
        let now = self.now;
        let known = &mut self.clients[client];
        if known.device.life == life
            && let Some(ticket) = known.device.settle(written, done)
        {
            known.store_failed |= faulty;
            let handle = known.handle;
            known.session.handle_stored(handle, ticket, written, now);
        }
        self.pump_client(client)
    }

    pub(super) fn load(&mut self, client: usize) -> Result<(), String> {
        let record = self.clients[client].device.record(&presence::user_of(client));
        let (handle, now) = (self.clients[client].handle, self.now);
        let found = match &record {
            Some((base, work)) => Found::Record { base, work, age_ms: 0 },
            None => Found::Nothing,
        };
        let loaded = self.clients[client].session.handle_loaded(handle, found, now);
        loaded.map_err(|error| format!("client {client}: {error}"))?;
        self.clients[client].look_through();
        Ok(())
    }

    /// The page is killed, not closed: nobody is told, and nothing more is written.
    pub(super) fn crash_page(&mut self, client: usize) -> Result<(), String> {
        self.report.pages += u64::from(self.clients[client].keeps);
        if let Some(link) = self.clients[client].link.take() {
            self.cut(link, false);
        }
        let seed = self.device_chance.bits();
        let (document, now) = (self.document.clone(), self.now);
        self.clients[client].crash(seed, document, now)?;
        self.pump_client(client)
    }
}
