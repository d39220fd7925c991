//! Two servers, each on its own way to Redis, and a crowd that types.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use cowrite_client::Event;
use cowrite_client::engine::Origin;
use cowrite_protocol::{DocumentId, DocumentType, RichText, Version};
use cowrite_tests::crowd::{Crowd, CrowdSettings, Decision, Loss, Outcome, Person, Report, What};
use cowrite_tests::redis::{RedisProcess, reply_text};
use cowrite_tests::relay::Relay;
use cowrite_tests::server::ServerProcess;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;

pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Two servers, and the way of each to Redis.
pub(super) struct Servers {
    pub(super) ways: Vec<Relay>,
    pub(super) all: Vec<ServerProcess>,
}

impl Servers {
    pub(super) fn start(redis: SocketAddr, flags: &[&str]) -> Servers {
        let ways: Vec<Relay> = (0..2).map(|_| Relay::to(redis)).collect();
        let on = |way: &Relay| ServerProcess::on_redis(&format!("redis://{}", way.address()), flags);
        Servers { all: ways.iter().map(on).collect(), ways }
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.all.iter().map(ServerProcess::address).collect()
    }

    /// From now on all of them find Redis there.
    pub(super) fn lead_to(&self, redis: SocketAddr) {
        for way in &self.ways {
            lead_to(way, redis);
        }
    }

    /// What any of them has logged.
    pub(super) fn said(&self, words: &str) -> bool {
        self.all.iter().any(|server| server.log().contains(words))
    }
}

/// Leads a way to another Redis, at once.
pub(super) fn lead_to(way: &Relay, redis: SocketAddr) {
    way.retarget(&[redis]);
    way.cut();
    way.heal();
}

/// Eight people on two documents that only grow, who have typed and each been heard.
pub(super) async fn gather(servers: &Servers) -> Crowd {
    let settings =
        CrowdSettings { clients: 8, documents: 2, deletes_percent: 0, glyphs: true, ..CrowdSettings::default() };
    let mut crowd = Crowd::gather(&servers.addresses(), settings).await;
    crowd.start_typing();
    let everybody: Vec<&Person> = crowd.people().iter().collect();
    until_each_accepted(&everybody, 8).await;
    crowd
}

/// These come back, to whichever server is next; what was held back on the way is lost.
pub(super) fn come_back<'a>(people: impl IntoIterator<Item = &'a Person>) {
    for person in people {
        person.relay().cut();
        person.relay().heal();
        person.client().wake();
    }
}

/// Waits for something.
pub(super) async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let start = Instant::now();
    while !reached() {
        assert!(start.elapsed() < PATIENCE, "never that {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until each of these has had so many more edits accepted.
pub(super) async fn until_each_accepted(people: &[&Person], more: u64) {
    let goals: Vec<u64> = people.iter().map(|person| person.document().status().accepted + more).collect();
    let reached = || people.iter().zip(&goals).all(|(person, goal)| person.document().status().accepted >= *goal);
    until("each is heard", reached).await;
}

pub(super) fn version(person: &Person) -> Version {
    person.document().status().version
}

pub(super) fn is_told(person: &Person) -> bool {
    person.account().told_of_loss
}

/// What of a person's accepted work is not in the text that the person sees is in what the
/// application was offered: nobody's text is lost.
pub(super) fn nothing_is_lost(crowd: &Crowd) {
    for person in crowd.people() {
        // Lost, or of unknown outcome because the answer was lost with the log: both are offered.
        let text = person
            .document()
            .read(|engine| {
                let mut text = engine.document().text().to_string();
                for proposal in engine.proposals() {
                    let mut offered = engine.document().clone();
                    RichText::apply(&mut offered, &proposal.operation).unwrap();
                    text.push_str(&offered.text().to_string());
                }
                text
            })
            .unwrap();
        let account = person.account();
        let missing = account.edits.values().find_map(|edit| match &edit.what {
            What::Insert(token) if edit.outcome == Outcome::Accepted => {
                (!text.contains(token.as_str())).then_some(token)
            }
            _ => None,
        });
        assert_eq!(missing, None, "client {} has lost text; it sees, with what is offered: {text}", person.number());
    }
}

/// Everybody who is told decides, all come to rest, and the checks hold.
pub(super) async fn end(crowd: Crowd, decision: Decision) -> Report {
    end_with(crowd, decision, Loss::IfTold).await
}

/// As [`end`], where nothing may be lost, and nobody is told that anything is.
pub(super) async fn end_without_loss(crowd: Crowd) -> Report {
    let report = end_with(crowd, Decision::Discard, Loss::Never).await;
    assert_eq!((report.losses_told, report.refused, report.unknown), (0, 0, 0), "{report:?}");
    report
}

async fn end_with(mut crowd: Crowd, decision: Decision, loss: Loss) -> Report {
    crowd.stop_typing().await;
    let start = Instant::now();
    loop {
        crowd.decide(decision, PATIENCE).await;
        // Somebody may be told only now.
        match crowd.settle(Duration::from_millis(500)).await {
            Ok(()) => return crowd.check(loss).await.unwrap(),
            Err(unsettled) => assert!(start.elapsed() < PATIENCE, "{unsettled}"),
        }
    }
}

/// Everybody's events from now on.
pub(super) fn listen(crowd: &Crowd) -> Vec<UnboundedReceiver<Event<RichText>>> {
    crowd.people().iter().map(|person| person.document().events()).collect()
}

/// Whether a document was opened again since it was listened to.
pub(super) fn has_reopened(events: &mut UnboundedReceiver<Event<RichText>>) -> bool {
    std::iter::from_fn(|| events.try_recv().ok()).any(|event| matches!(event, Event::Opened { .. }))
}

/// Waits until everybody who listened has opened the document anew.
pub(super) async fn until_reopened(listening: Vec<UnboundedReceiver<Event<RichText>>>) {
    let opened = async |mut events: UnboundedReceiver<Event<RichText>>| {
        while !matches!(events.recv().await, Some(Event::Opened { .. }) | None) {}
    };
    for events in listening {
        let opened = tokio::time::timeout(PATIENCE, opened(events)).await;
        assert!(opened.is_ok(), "somebody does not come back");
    }
}

/// Whether one who listened was led on entry by entry, and never loaded the document anew.
pub(super) fn went_on_in_step(mut events: UnboundedReceiver<Event<RichText>>) -> bool {
    let mut reopened = false;
    while let Ok(event) = events.try_recv() {
        match event {
            Event::Opened { .. } => reopened = true,
            Event::Change { origin: Origin::Resync, .. } | Event::Merged { .. } | Event::Diverged => {
                eprintln!("{event:?}");
                return false;
            }
            Event::Closed { .. } => eprintln!("{event:?}"),
            _ => {}
        }
    }
    reopened
}

/// The name of a key of a document.
pub(super) fn key(document: &DocumentId, kind: &str) -> String {
    format!("cowrite:{{{document}}}:{kind}")
}

/// A field of a document's state; empty if there is none.
pub(super) fn field(redis: &RedisProcess, document: &DocumentId, field: &str) -> String {
    let value = redis.command(&["HGET", &key(document, "state"), field]);
    reply_text(&value).unwrap_or_default()
}

/// The epochs of all documents.
pub(super) fn epochs(redis: &RedisProcess, crowd: &Crowd) -> Vec<String> {
    crowd.documents().iter().map(|document| field(redis, document, "epoch")).collect()
}

/// The client_seq that the log holds last of a client.
pub(super) fn seq_in_log(redis: &RedisProcess, person: &Person) -> u64 {
    let client = person.document().read(|engine| engine.client()).flatten().unwrap();
    let field = [b"c", &client.as_bytes()[..]].concat();
    let mut get = redis::cmd("HGET");
    get.arg(key(person.id(), "state")).arg(field);
    let record: Vec<u8> = get.query(&mut redis.connection().unwrap()).unwrap();
    let record = String::from_utf8_lossy(&record).into_owned();
    record.split(' ').nth(1).unwrap().parse().unwrap()
}

/// The client_seq of what a person has in flight.
pub(super) fn seq_in_flight(person: &Person) -> Option<u64> {
    person.document().read(|engine| engine.in_flight()).flatten().map(|seq| seq.get())
}
