//! Revocations that all servers on one Redis share.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::redis::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::known::Known;
use super::revocation::{BETWEEN, FORM, Revocation, RevocationRequest};
use super::store::{RevocationSettings, RevocationStore, RevokeError, RevokeFuture};
use crate::redis::{Script, Topology, Trouble, slot_of};

/// Keeps revocations in Redis. Each server asks four times a second, by one small command, what is
/// new: nothing of that can be lost.
///
/// What this server knows it does not forget when Redis does: it puts back what is missing there.
pub struct RedisRevocations {
    shared: Arc<Shared>,
    reading: JoinHandle<()>,
}

struct Shared {
    topology: Topology,
    known: Known,
    key: String,
    store: Script,
    read: Script,
    /// Lines that this server has stored and has not read again yet.
    unread: Mutex<HashSet<String>>,
    read_all: watch::Sender<bool>,
    /// What Redis said last about the time of day, in milliseconds.
    now_ms: AtomicU64,
}

/// How often this server asks what is new.
const ASK_EVERY: Duration = Duration::from_millis(250);

/// What is promised of it: a round trip and a busy moment more.
const EFFECTIVE_WITHIN: Duration = Duration::from_secs(1);

/// Storing one takes this long at most.
const STORE_WITHIN: Duration = Duration::from_secs(5);

/// Lines read by one command at most: Redis does nothing else meanwhile.
const PAGE: usize = 1_000;

/// Milliseconds by which one stays in Redis longer than in servers, so that what is missing there has
/// been lost and not forgotten.
const LONGER_MS: u64 = 60 * 60 * 1_000;

const PRELUDE: &str = include_str!("scripts/prelude.lua");

/// Where reading stands: the last line and its time.
type Place = (String, String);

impl RedisRevocations {
    /// Revocations over these connections. Must be called in a tokio runtime.
    pub(crate) fn start(topology: Topology, settings: RevocationSettings) -> RedisRevocations {
        // A sign that no document id has: the key is never a document's.
        let key = format!("{}:{{@revocations}}", topology.settings().prefix);
        let shared = Arc::new(Shared {
            topology,
            key,
            store: Script::new(PRELUDE, include_str!("scripts/store.lua")),
            read: Script::new(PRELUDE, include_str!("scripts/read.lua")),
            unread: Mutex::default(),
            read_all: watch::Sender::new(false),
            now_ms: AtomicU64::new(settings.clock.now_ms()),
            known: Known::new(settings),
        });
        let reading = tokio::spawn(keep_reading(Arc::clone(&shared)));
        RedisRevocations { shared, reading }
    }
}

impl RevocationStore for RedisRevocations {
    fn known(&self) -> &Known {
        &self.shared.known
    }

    fn store(&self, request: RevocationRequest) -> RevokeFuture<'_> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            shared.known.room_for(&request)?;
            let unavailable = |reason: String| RevokeError::Unavailable { reason };
            // It goes on if nobody waits for it any more, or what is stored would not be known.
            let storing = tokio::spawn(async move { shared.store_new(request).await });
            match timeout(STORE_WITHIN, storing).await {
                Ok(Ok(stored)) => stored,
                Ok(Err(error)) => Err(unavailable(error.to_string())),
                Err(_) => Err(unavailable(format!("Redis gives no answer within {STORE_WITHIN:?}"))),
            }
        })
    }

    fn ready(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut read_all = self.shared.read_all.subscribe();
        // It only fails when the sender is gone, and we hold it.
        Box::pin(async move { drop(read_all.wait_for(|all| *all).await) })
    }

    fn effective_within(&self) -> Duration {
        EFFECTIVE_WITHIN
    }

    fn now_ms(&self) -> u64 {
        self.shared.now_ms.load(Ordering::Relaxed)
    }
}

impl Drop for RedisRevocations {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Shared {
    async fn store_new(&self, request: RevocationRequest) -> Result<Revocation, RevokeError> {
        let issued = request.issued_before.map(|seconds| seconds.to_string()).unwrap_or_default();
        // The rest of its line; the times are those of Redis.
        let line = request.clone().at(0).to_line();
        let stored = self.write(&line, "", &issued).await;
        let (at_ms, issued_before) = match stored {
            Ok(Some(times)) => times,
            Ok(None) => return Err(RevokeError::Full { most: self.known.settings().most }),
            Err(trouble) => return Err(RevokeError::Unavailable { reason: trouble.to_string() }),
        };
        let revocation = Revocation { issued_before, ..request.at(at_ms) };
        self.unread().insert(revocation.to_line());
        self.known.learn([revocation.clone()], at_ms);
        Ok(revocation)
    }

    /// Stores a line again that Redis has lost.
    async fn put_back(&self, revocation: &Revocation) -> Result<(), Trouble> {
        let (at, issued) = (revocation.at_ms.to_string(), revocation.issued_before.to_string());
        self.write(&revocation.to_line(), &at, &issued).await.map(drop)
    }

    /// Stores a line with these times; those that it has, or `None` if there is no room.
    async fn write(&self, line: &str, at: &str, issued: &str) -> Result<Option<(u64, u64)>, Trouble> {
        let rest = line.splitn(4, BETWEEN).nth(3).unwrap_or_default();
        let settings = self.known.settings();
        let mut call = self.store.call(&[&self.key]);
        call.arg(settings.kept_ms().saturating_add(LONGER_MS)).arg(settings.most);
        call.arg(FORM).arg(BETWEEN.to_string()).arg(at).arg(issued).arg(rest);
        let answer = self.topology.ask(slot_of(&self.key), Some(&self.store), &call).await?;
        let words = texts(answer)?;
        match &words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["full"] => Ok(None),
            ["stored", at, issued] => match (at.parse(), issued.parse()) {
                (Ok(at), Ok(issued)) => Ok(Some((at, issued))),
                _ => Err(Trouble::Nonsense("a time")),
            },
            _ => Err(Trouble::Nonsense("a revocation")),
        }
    }

    /// Reads what is new behind `place` and moves it. What Redis has lost of what is known here is
    /// put back.
    async fn catch_up(&self, place: &mut Option<Place>) -> Result<(), Trouble> {
        let mut unread = self.unread().clone();
        // What Redis has, once it has been read from the beginning.
        let mut whole: Option<Known> = None;
        loop {
            let (kind, now_ms, lines) = self.page(place.as_ref()).await?;
            if kind == "all" {
                whole = Some(Known::new(self.known.settings().clone()));
            }
            self.now_ms.store(now_ms, Ordering::Relaxed);
            let read: Vec<Revocation> = lines.iter().filter_map(|(line, _)| Revocation::of_line(line)).collect();
            if read.len() < lines.len() {
                tracing::warn!(lines = lines.len() - read.len(), "Redis holds revocations of a form not known here");
            }
            if let Some(whole) = &whole {
                whole.learn(read.clone(), now_ms);
            }
            self.known.learn(read, now_ms);
            {
                let mut stored_here = self.unread();
                for (line, _) in &lines {
                    unread.remove(line);
                    stored_here.remove(line);
                }
            }
            let is_last = lines.len() < PAGE;
            match lines.into_iter().next_back() {
                Some(last) => *place = Some(last),
                None if kind == "all" => *place = None,
                None => {}
            }
            if is_last {
                self.mend(whole, unread).await?;
                return Ok(());
            }
        }
    }

    /// Puts back what is not in `whole`, and what was stored here and is not there.
    async fn mend(&self, whole: Option<Known>, unread: HashSet<String>) -> Result<(), Trouble> {
        if let Some(whole) = whole {
            let missing: Vec<_> =
                self.known.list(self.now()).into_iter().filter(|known| !whole.covers(known)).collect();
            for revocation in &missing {
                self.put_back(revocation).await?;
            }
            if !missing.is_empty() {
                tracing::warn!(revocations = missing.len(), "put back what Redis had lost");
            }
        }
        for line in unread {
            if let Some(revocation) = Revocation::of_line(&line) {
                self.put_back(&revocation).await?;
            }
            self.unread().remove(&line);
        }
        Ok(())
    }

    async fn page(&self, place: Option<&Place>) -> Result<(String, u64, Vec<Place>), Trouble> {
        let mut call = self.read.call(&[&self.key]);
        let (line, at) = place.map_or(("", ""), |(line, at)| (line, at));
        call.arg(line).arg(at).arg(PAGE);
        let answer = self.topology.ask(slot_of(&self.key), Some(&self.read), &call).await?;
        let mut words = texts(answer)?.into_iter();
        let (Some(kind), Some(now_ms)) = (words.next(), words.next()) else {
            return Err(Trouble::Nonsense("revocations"));
        };
        let now_ms = now_ms.parse().map_err(|_| Trouble::Nonsense("a time"))?;
        let mut lines = Vec::new();
        while let (Some(line), Some(at)) = (words.next(), words.next()) {
            lines.push((line, at));
        }
        Ok((kind, now_ms, lines))
    }

    fn now(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn unread(&self) -> MutexGuard<'_, HashSet<String>> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn keep_reading(shared: Arc<Shared>) {
    let (mut place, mut failed) = (None, false);
    loop {
        match shared.catch_up(&mut place).await {
            Ok(()) => {
                if std::mem::take(&mut failed) {
                    tracing::info!("revocations of other servers are heard of again");
                }
                shared.read_all.send_if_modified(|all| !std::mem::replace(all, true));
            }
            Err(trouble) => {
                // Who answers next may be another Redis.
                place = None;
                if !std::mem::replace(&mut failed, true) {
                    tracing::warn!(%trouble, "revocations of other servers are not heard of until Redis answers");
                }
            }
        }
        sleep(ASK_EVERY).await;
    }
}

fn texts(answer: Value) -> Result<Vec<String>, Trouble> {
    let Value::Array(words) = answer else { return Err(Trouble::Nonsense("a list")) };
    let text = |word| match word {
        Value::BulkString(bytes) => String::from_utf8(bytes).map_err(|_| Trouble::Nonsense("a text")),
        _ => Err(Trouble::Nonsense("a text")),
    };
    words.into_iter().map(text).collect()
}
