//! The crowd.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use cowrite_client::ProposalKind;
use cowrite_protocol::DocumentId;
use tokio::sync::watch;
use tokio::time::sleep;

use super::account::{Account, Outcome};
use super::person::{Person, Replica, read_afresh};
use super::scribe::Scribe;
use super::token::count;
use super::verdict::{Loss, Report, Violations, judge, same_everywhere, tally};
use crate::relay::{Relay, Ways};

/// How many, how fast.
#[derive(Clone, Debug)]
pub struct CrowdSettings {
    /// How many clients there are; the first writes the first document, and so on around.
    pub clients: usize,
    /// How many documents there are.
    pub documents: usize,
    /// What their names begin with: two crowds on one log want different ones.
    pub name: String,
    /// Milliseconds between two edits of a client, on average.
    pub pause_ms: u64,
    /// How long each byte takes from a client to its server, and back.
    pub latency: Duration,
    /// Of 100 edits, so many delete a token of the client's own.
    pub deletes_percent: u64,
    /// Of 100 edits, so many format one.
    pub formats_percent: u64,
    /// Of 100 edits, so many are an undo, or a redo. Not for faults that lose history: what an undo
    /// does is known by the tokens that come and go with it.
    pub undos_percent: u64,
    /// Each insertion is one character instead of a readable word. For faults that lose history:
    /// then texts are compared by characters, and what is typed may come to stand within a word.
    pub glyphs: bool,
    /// Chooses all edits, though not when they meet.
    pub seed: u64,
}

impl Default for CrowdSettings {
    /// 30 clients on 5 documents, each with 25 edits a second and 60 ms away, so that nearly
    /// always an operation of its is in flight and edits wait behind it.
    fn default() -> CrowdSettings {
        CrowdSettings {
            clients: 30,
            documents: 5,
            name: "crowd".to_owned(),
            pause_ms: 40,
            latency: Duration::from_millis(60),
            deletes_percent: 10,
            formats_percent: 5,
            undos_percent: 0,
            glyphs: false,
            seed: 1,
        }
    }
}

/// What is done about work that was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Everybody accepts every proposal: for lost work the first one wins. What then still differs
    /// is dropped.
    Accept,
    /// Everybody drops every proposal.
    Discard,
}

/// Clients that write documents together, each through a relay of its own, which leads every new
/// connection to the next server: who comes back comes to another.
///
/// Needs a runtime of several threads, if its test waits for processes meanwhile.
pub struct Crowd {
    people: Vec<Person>,
    servers: Vec<SocketAddr>,
    settings: CrowdSettings,
    stop: watch::Sender<bool>,
}

impl Crowd {
    /// Connects everybody, spread over the servers; waits until all have their documents open.
    ///
    /// # Panics
    /// If that takes more than 20 s.
    pub async fn gather(servers: &[SocketAddr], settings: CrowdSettings) -> Crowd {
        let people = (0..settings.clients).map(|number| {
            let mut near = servers.to_vec();
            near.rotate_left(number % servers.len());
            let relay = Relay::to_any(&near);
            relay.delay(Ways::Both, settings.latency);
            let id = document(&settings.name, number % settings.documents);
            let scribe = Scribe::new(number, &settings);
            Person::arrive(number, id, settings.seed, relay, scribe)
        });
        let people = people.collect();
        let crowd = Crowd { people, servers: servers.to_vec(), settings, stop: watch::Sender::new(true) };
        crowd.until("all have their documents open", Duration::from_secs(20), Person::is_settled).await;
        crowd
    }

    /// Everybody.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// The names of the documents.
    pub fn documents(&self) -> Vec<DocumentId> {
        (0..self.settings.documents).map(|number| document(&self.settings.name, number)).collect()
    }

    /// Everybody types, until [`Crowd::stop_typing`].
    pub fn start_typing(&mut self) {
        self.stop.send_replace(false);
        for person in &mut self.people {
            person.start_writing(self.settings.pause_ms, self.stop.subscribe());
        }
    }

    /// Everybody stops typing.
    pub async fn stop_typing(&mut self) {
        self.stop.send_replace(true);
        for person in &mut self.people {
            person.stop_writing().await;
        }
    }

    /// How many edits were made so far.
    pub fn edits(&self) -> usize {
        self.people.iter().map(|person| person.witness.lock().account.edits.len()).sum()
    }

    /// How many edits are accepted so far.
    pub fn accepted(&self) -> u64 {
        self.people.iter().map(|person| person.document().status().accepted).sum()
    }

    /// Waits until so many more edits are accepted than now: life goes on.
    ///
    /// # Panics
    /// If they are not within `patience`.
    pub async fn until_accepted(&self, more: u64, patience: Duration) {
        let (start, goal) = (Instant::now(), self.accepted() + more);
        while self.accepted() < goal {
            let late = start.elapsed() > patience;
            assert!(!late, "{} edits of {goal} are accepted after {patience:?}: {}", self.accepted(), self.state());
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// How many clients have an operation in flight and edits waiting behind it, at this moment.
    pub fn loaded(&self) -> usize {
        self.people.iter().filter(|person| person.is_loaded()).count()
    }

    /// Waits for a moment at which so many clients are loaded.
    ///
    /// # Panics
    /// If none comes within 20 s.
    pub async fn until_loaded(&self, at_least: usize) {
        let start = Instant::now();
        while self.loaded() < at_least {
            let late = start.elapsed() > Duration::from_secs(20);
            assert!(!late, "never {at_least} clients with an operation in flight and edits behind it");
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Loads everybody: while all type on, half of them hear nothing and the others are not heard,
    /// so that half of the operations in flight are in the log and half are not. Returns when
    /// everybody has one in flight and edits behind it; strike then, and [`Crowd::release`].
    ///
    /// # Panics
    /// If they do not type.
    pub async fn brace(&self) {
        for (number, person) in self.people.iter().enumerate() {
            person.relay().hole(if number % 2 == 0 { Ways::Down } else { Ways::Up });
        }
        self.until_loaded(self.people.len()).await;
    }

    /// Ends what [`Crowd::brace`] began: what was held back arrives.
    pub fn release(&self) {
        self.people.iter().for_each(|person| person.relay().heal());
    }

    /// The same, but what was held back is lost with the connections.
    pub fn release_by_cut(&self) {
        for person in &self.people {
            person.relay().cut();
            person.relay().heal();
        }
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        self.people.iter().for_each(|person| person.relay().cut());
    }

    /// Leads new connections to these servers from now on. The checks read from them, too.
    pub fn retarget(&mut self, servers: &[SocketAddr]) {
        self.servers = servers.to_vec();
        for (number, person) in self.people.iter().enumerate() {
            let mut near = servers.to_vec();
            near.rotate_left(number % servers.len());
            person.relay().retarget(&near);
        }
    }

    /// Everybody tries to connect now who waits to: the network is back.
    pub fn wake(&self) {
        self.people.iter().for_each(|person| person.client().wake());
    }

    /// Stops typing, and waits until everybody says that all is accepted and everybody stands at
    /// the same version of their document.
    ///
    /// # Errors
    /// Who is not there within `patience`, and how they are.
    pub async fn settle(&mut self, patience: Duration) -> Result<(), Violations> {
        self.stop_typing().await;
        let start = Instant::now();
        while !self.is_settled() {
            if start.elapsed() > patience {
                return Err(Violations(vec![format!("not settled within {patience:?}: {}", self.state())]));
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Waits until everybody was told that accepted work is lost.
    ///
    /// # Panics
    /// If somebody is not within `patience`.
    pub async fn until_told(&self, patience: Duration) {
        let told = |person: &Person| person.witness.lock().account.told_of_loss;
        self.until("all are told of their loss", patience, told).await;
    }

    /// Decides about all work that was set aside, until none is left.
    ///
    /// # Panics
    /// If it does not come to an end within `patience`.
    pub async fn decide(&self, decision: Decision, patience: Duration) {
        let start = Instant::now();
        let open = |person: &Person| {
            let proposals = person.document().read(|engine| {
                engine.proposals().iter().map(|proposal| (proposal.id, proposal.kind)).collect::<Vec<_>>()
            });
            proposals.unwrap_or_default()
        };
        while self.people.iter().any(|person| !open(person).is_empty()) {
            assert!(start.elapsed() < patience, "undecided after {patience:?}: {}", self.state());
            for person in &self.people {
                for (id, kind) in open(person) {
                    let drop = decision == Decision::Discard || kind == ProposalKind::Remaining;
                    if drop {
                        person.document().discard_proposal(id);
                    } else {
                        // One that cannot be done now stays, and is tried again.
                        let _ = person.document().accept_proposal(id);
                    }
                }
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// All that must hold after [`Crowd::settle`]: everybody, and new readers at every server, have
    /// the same text and history; every accepted edit is in it once; no status ever said more than
    /// was true; and the events told each application the text that it has.
    ///
    /// # Errors
    /// All that does not hold.
    pub async fn check(&self, loss: Loss) -> Result<Report, Violations> {
        let mut wrong = Vec::new();
        let mut report = Report::default();
        let mut all = Vec::new();
        for id in self.documents() {
            let mut accounts = Vec::new();
            let mut replicas: Vec<(String, Replica)> = Vec::new();
            for person in self.people.iter().filter(|person| *person.id() == id) {
                accounts.push(person.settled_account().await);
                replicas.push((format!("client {}", person.number()), person.replica()));
                if !person.is_told_its_text().await {
                    wrong.push(format!("client {} has another text than its events told", person.number()));
                }
                let seen = person.witness.lock();
                wrong.extend(seen.wrong.iter().cloned());
                add(&mut report, &seen.report);
                report.reconnects += person.relay().accepted().saturating_sub(1);
            }
            let position = replicas.iter().filter_map(|(_, replica)| replica.position).max_by_key(|at| at.version);
            for &server in &self.servers {
                match read_afresh(server, &id, position, Duration::from_secs(10)).await {
                    Ok(replica) => replicas.push((format!("a new reader at {server}"), replica)),
                    Err(error) => wrong.push(error),
                }
            }
            wrong.extend(same_everywhere(&replicas, show).into_iter().map(|differ| format!("{id}: {differ}")));
            if let Some((_, replica)) = replicas.last() {
                let text = replica.document.text().to_string();
                wrong.extend(judge(&text, &accounts, loss).into_iter().map(|what| format!("{id}: {what}")));
            }
            all.extend(accounts);
        }
        let tally = tally(&all);
        let times = |name: &str| tally.get(name).copied().unwrap_or_default();
        report.edits = tally.values().sum();
        (report.accepted, report.refused, report.unknown) = (times("accepted"), times("refused"), times("unknown"));
        if times("pending") > 0 {
            wrong.push(format!("{} edits are still pending", times("pending")));
        }
        if wrong.is_empty() { Ok(report) } else { Err(Violations(wrong)) }
    }

    /// As a passer-by, at any time: what anybody was shown as accepted before, a new reader at this
    /// server finds, once.
    ///
    /// # Errors
    /// All that it does not find, and what it finds twice.
    pub async fn probe(&self, server: SocketAddr, patience: Duration) -> Result<(), Violations> {
        let mut wrong = Vec::new();
        for id in self.documents() {
            let people = || self.people.iter().filter(|person| *person.id() == id);
            let before: Vec<Account> = people().map(Person::account).collect();
            let replica = match read_afresh(server, &id, None, patience).await {
                Ok(replica) => replica,
                Err(error) => {
                    wrong.push(error);
                    continue;
                }
            };
            let text = replica.document.text().to_string();
            let (counts, _) = count(&text);
            let twice = counts.iter().filter(|(_, times)| **times > 1);
            wrong.extend(twice.map(|(token, times)| format!("{id}: {token} is {times} times in the text")));
            for (before, person) in before.iter().zip(people()) {
                // What was deleted meanwhile may be gone already.
                let (writing, now) = (person.is_writing(), person.account());
                if writing {
                    continue;
                }
                let fates = now.fates();
                let missing = before.inserted().filter(|(_, token, outcome)| {
                    let moved = fates.get(token).is_some_and(|fate| fate.len() > 1);
                    *outcome == Outcome::Accepted && !moved && !counts.contains_key(token)
                });
                let own = person.replica();
                let (at, own_at) = (replica.position.unwrap_or_default().version, own.position.unwrap_or_default());
                let own = own.document.text().to_string();
                wrong.extend(missing.map(|(number, token, _)| {
                    let who = before.person;
                    let sees = if own.contains(token) { "sees" } else { "does not see" };
                    let own_at = own_at.version;
                    format!(
                        "{id} at {at}, and client {who} {sees} it at {own_at}: {token} (edit {number} of client {who}, \
                         accepted) is not there"
                    )
                }));
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(Violations(wrong)) }
    }

    /// How everybody is, for messages.
    pub fn state(&self) -> String {
        let unsettled = self.people.iter().filter(|person| !person.is_settled());
        let lines = unsettled.map(|person| {
            let link = *person.client().link().borrow();
            format!("\n  client {} on {}: {:?}, {link:?}", person.number(), person.id(), person.document().status())
        });
        let lines: Vec<String> = lines.collect();
        format!("{} of {} are not settled{}", lines.len(), self.people.len(), lines.concat())
    }

    fn is_settled(&self) -> bool {
        let version = |person: &Person| person.document().status().version;
        self.people.iter().all(|person| {
            let other = self.people.iter().find(|other| other.id() == person.id());
            person.is_settled() && other.is_none_or(|other| version(other) == version(person))
        })
    }

    async fn until(&self, what: &str, patience: Duration, reached: impl Fn(&Person) -> bool) {
        let start = Instant::now();
        while !self.people.iter().all(&reached) {
            assert!(start.elapsed() < patience, "never that {what}: {}", self.state());
            sleep(Duration::from_millis(5)).await;
        }
    }
}

fn document(name: &str, number: usize) -> DocumentId {
    format!("{name}-{number}").parse().expect("a plain name")
}

fn show(replica: &Replica) -> String {
    let delta = replica.document.to_delta();
    let head: String = delta.chars().take(400).collect();
    format!("{:?} with {} units: {head}", replica.position, replica.document.length().0)
}

fn add(sum: &mut Report, one: &Report) {
    sum.reopened += one.reopened;
    sum.diverged += one.diverged;
    sum.merged += one.merged;
    sum.losses_told += one.losses_told;
    sum.stalls += one.stalls;
}
