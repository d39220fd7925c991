//! The log on its good and bad days.

use cowrite_protocol::DocumentType;

use super::*;

impl World {
    /// The log is asked. Its answer may be lost, late, or a refusal, and what was asked
    /// may be done long after its asker has given up.
    pub(super) fn ask(
        &mut self,
        to: RoomName,
        ticket: LogTicket,
        request: LogRequest,
        answered: bool,
    ) -> Result<(), String> {
        let faulty = !self.calm && answered && self.chance.percent(self.scenario.log_faults);
        self.report.log_faults += u64::from(faulty);
        let document = self.document.clone();
        if std::env::var_os("COWRITE_TRACE").is_some() {
            eprintln!("{} log {to:?} {request:?} faulty {faulty}", self.now.0);
        }
        if faulty && let LogRequest::Append(batch) = &request {
            let outcome = match self.chance.below(4) {
                // Nothing was done.
                0 => AppendOutcome::Unavailable { retry_after: Duration::from_millis(self.chance.between(1, 900)) },
                // It was never received.
                1 => AppendOutcome::OutcomeUnknown,
                // It was done, and the answer was lost.
                2 => {
                    self.log.append_now(&document, batch.clone());
                    AppendOutcome::OutcomeUnknown
                }
                // It will be done when nobody waits for it any more.
                _ => {
                    let late = LogRequest::Append(batch.clone());
                    let delay = self.chance.between(50, 15_000);
                    self.expect_late(delay);
                    self.later(delay, Happening::Ask { to, ticket, request: late, answered: false });
                    AppendOutcome::OutcomeUnknown
                }
            };
            let delay = self.chance.between(1, 3_000);
            self.later(delay, Happening::Answer { to, ticket, answer: LogAnswer::Append(outcome) });
            return self.publish();
        }
        if faulty {
            let error =
                || LogError::Unavailable { reason: "a bad day".to_owned(), retry_after: Duration::from_millis(10) };
            let answer = match &request {
                LogRequest::Subscribe => LogAnswer::Subscribed(Err(error())),
                LogRequest::Open(_) => LogAnswer::Opened(Err(error().into())),
                LogRequest::Read { .. } => LogAnswer::Read(Err(error())),
                LogRequest::LoadSnapshot => LogAnswer::Snapshot(Err(error())),
                LogRequest::AdvanceEpoch(_) => LogAnswer::Advanced(Err(error())),
                _ => LogAnswer::Stored(Err(error())),
            };
            self.later(20, Happening::Answer { to, ticket, answer });
            return Ok(());
        }
        let answer = match request {
            LogRequest::Subscribe => {
                let feed = self.log.subscribe_now(&document);
                if let Some(channel) = self.room(to)
                    && let Some(running) = self.servers[to.server].rooms.get_mut(&channel)
                {
                    let first = running.feed.replace(feed).is_none();
                    if first {
                        self.later(LOOK_MS, Happening::Look(to));
                    }
                }
                LogAnswer::Subscribed(Ok(()))
            }
            LogRequest::Open(client) => LogAnswer::Opened(self.log.open_now(&document, client)),
            LogRequest::Append(batch) => LogAnswer::Append(self.log.append_now(&document, batch)),
            LogRequest::Read { after, max_bytes } => {
                LogAnswer::Read(Ok(self.log.read_now(&document, after, max_bytes)))
            }
            LogRequest::LoadSnapshot => LogAnswer::Snapshot(Ok(self.log.load_snapshot_now(&document))),
            LogRequest::StoreSnapshot(snapshot) => {
                self.log.store_snapshot_now(&document, snapshot);
                self.oracle.check_snapshot(&self.log)?;
                LogAnswer::Stored(Ok(()))
            }
            LogRequest::Trim(before) | LogRequest::Erase(before) => {
                self.log.trim_now(&document, before);
                LogAnswer::Stored(Ok(()))
            }
            LogRequest::AdvanceEpoch(life) => LogAnswer::Advanced(Ok(self.log.advance_epoch_now(&document, life))),
        };
        if answered {
            let delay = self.chance.between(1, 20);
            let late = !self.calm && self.hardship.percent(self.scenario.slow_log);
            let delay = if late { self.hardship.between(500, 8_000) } else { delay };
            self.later(delay, Happening::Answer { to, ticket, answer });
        }
        self.publish()
    }

    /// What was there a while ago is durable now, unless it was lost; rooms are told as of commits.
    pub(super) fn synced(&mut self, version: Version, hash: RunningHash) -> Result<(), String> {
        let known = self.oracle.history.get(version.get() as usize);
        if version <= self.durable || known.is_none_or(|(known, _)| *known != hash) {
            return Ok(());
        }
        self.durable = version;
        let head = self.log.open_now(&self.document, None).map_err(|error| error.to_string())?.head;
        let Some(epoch) = head.epoch else { return Ok(()) };
        let rooms = self.servers.iter().enumerate().flat_map(|(index, server)| {
            let name = move |(channel, running): (&Channel, &super::super::server::RunningRoom)| RoomName {
                server: index,
                life: server.life,
                channel: *channel,
                room_life: running.life,
            };
            server.rooms.iter().map(name)
        });
        for to in rooms.collect::<Vec<_>>() {
            if self.calm || !self.durable_chance.percent(self.scenario.feed_faults) {
                let delay = self.durable_chance.between(1, 200);
                self.later(delay, Happening::Feed { to, event: FeedEvent::Durable { epoch, version, hash } });
            }
        }
        Ok(())
    }

    /// What was committed goes to the oracle, and to the rooms that subscribed; some of
    /// it is lost on the way, some comes twice.
    pub(super) fn publish(&mut self) -> Result<(), String> {
        let entries = self.oracle.follow(&self.log)?;
        self.note_existence(&entries)?;
        if self.scenario.watermarks && !entries.is_empty() {
            let (delay, head) = (self.durable_chance.between(20, 4_000), self.oracle.head());
            self.later(delay, Happening::Synced(head, self.oracle.head_hash().unwrap_or(RunningHash::ZERO)));
        }
        // An append under way while its entries were lost may be done once more: who brings back what
        // was lost has that twice.
        // So may one who knows no more than two texts: of long ones that repeat themselves a difference takes
        // something for lost that has only moved.
        let guessed = |entry: &&Entry| self.scenario.large > 0 && entry.client.is_restoration();
        let again =
            entries.iter().filter(|entry| self.forgotten.contains(&(entry.client, entry.client_seq)) || guessed(entry));
        let operations = again.filter_map(|entry| RichText::decode(&entry.operation, &OperationLimits::NONE).ok());
        self.unheard.extend(operations.flat_map(|operation| super::bans::inserted_by(&operation)));
        let more = !entries.is_empty();
        self.entries.extend(entries);
        if more {
            self.copy_log();
        }
        let mut events = Vec::new();
        for (index, server) in self.servers.iter_mut().enumerate() {
            for (channel, running) in &mut server.rooms {
                let to = RoomName { server: index, life: server.life, channel: *channel, room_life: running.life };
                while let Some(event) = running.feed.as_mut().and_then(|feed| feed.try_recv().ok()) {
                    events.push((to, event));
                }
            }
        }
        for (to, event) in events {
            let copies = match self.chance.percent(self.scenario.feed_faults) && !self.calm {
                false => 1,
                true => 2 * self.chance.below(2),
            };
            for _ in 0..copies {
                let delay = self.chance.between(1, 200);
                self.later(delay, Happening::Feed { to, event: event.clone() });
            }
        }
        Ok(())
    }
}
