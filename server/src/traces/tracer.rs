//! Whether an edit is traced, and the way of its spans to whoever sends them.

use std::hash::Hasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use cowrite_protocol::{ClientId, ClientSeq, DocumentId};
use siphasher::sip128::{Hasher128, SipHasher24};
use tokio::sync::mpsc;

use super::{Endpoint, Exporter, Span};

/// Whether and what is traced.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSettings {
    /// The collector.
    pub endpoint: Endpoint,
    /// The part of all edits that is traced, from 0 to 1.
    pub sample: f64,
}

/// Decides which edits are traced and takes their spans. Clones share it; the default one traces
/// nothing, which costs one look at an empty option. Never waits.
#[derive(Clone, Debug, Default)]
pub struct Tracer(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    /// Hashes below this one are traced.
    below: u64,
    spans: mpsc::Sender<Vec<Span>>,
    /// One moment on both clocks.
    moment: (Instant, SystemTime),
}

/// The ids of one edit's trace, the same wherever it is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TraceIds {
    pub(super) trace: [u8; 16],
    pub(super) root: [u8; 8],
}

static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Edits whose spans may wait to be sent.
const WAITING: usize = 1_024;

/// How many spans of this process were not sent, since the collector did not take them.
pub fn spans_dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

pub(super) fn drop_spans(count: usize) {
    DROPPED.fetch_add(count as u64, Ordering::Relaxed);
}

impl Tracer {
    /// One that traces as it is told, and what sends its spans on.
    pub fn new(settings: TraceSettings) -> (Tracer, Exporter) {
        let (spans, waiting) = mpsc::channel(WAITING);
        // A float that is out of range becomes the end of the range.
        let below = (settings.sample * u64::MAX as f64) as u64;
        let inner = Inner { below, spans, moment: (Instant::now(), SystemTime::now()) };
        (Tracer(Some(Arc::new(inner))), Exporter::new(settings.endpoint, waiting))
    }

    /// Whether anything is traced at all.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The trace of an edit, if it is traced.
    pub(super) fn ids(&self, document: &DocumentId, client: &ClientId, seq: ClientSeq) -> Option<TraceIds> {
        let inner = self.0.as_ref()?;
        let mut hasher = SipHasher24::new();
        hasher.write(client.as_bytes());
        hasher.write(&seq.get().to_le_bytes());
        hasher.write(document.as_str().as_bytes());
        let hash = hasher.finish128();
        // All of u64 is below what "every edit" means.
        if hash.h2 >= inner.below && inner.below != u64::MAX {
            return None;
        }
        let mut trace = [0; 16];
        trace[..8].copy_from_slice(&hash.h1.to_be_bytes());
        trace[8..].copy_from_slice(&hash.h2.to_be_bytes());
        // Ids of zero are no ids.
        trace[15] |= 1;
        Some(TraceIds { trace, root: part(hash.h1, 0) })
    }

    /// The time of day of a moment.
    pub(super) fn time_of(&self, at: Instant) -> SystemTime {
        let Some(inner) = &self.0 else { return SystemTime::UNIX_EPOCH };
        let (instant, time) = inner.moment;
        match at.checked_duration_since(instant) {
            Some(since) => time + since,
            None => time - (instant - at),
        }
    }

    /// Takes spans of one edit.
    pub(super) fn send(&self, spans: Vec<Span>) {
        let Some(inner) = &self.0 else { return };
        if let Err(error) = inner.spans.try_send(spans) {
            drop_spans(error.into_inner().len());
        }
    }
}

/// The id of a span of this trace, by its place in it.
pub(super) fn part(of: u64, place: u64) -> [u8; 8] {
    let mut hasher = siphasher::sip::SipHasher24::new_with_keys(of, place);
    hasher.write_u64(place);
    (hasher.finish() | 1).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracer(sample: f64) -> (Tracer, Exporter) {
        Tracer::new(TraceSettings { endpoint: "http://127.0.0.1:1".parse().unwrap(), sample })
    }

    #[test]
    fn the_same_edits_are_traced_everywhere_and_as_many_as_are_asked_for() {
        let document: DocumentId = "notes".parse().unwrap();
        let ids = |tracer: &Tracer, seed: u32| {
            let mut client = [0; 16];
            client[..4].copy_from_slice(&seed.to_le_bytes());
            tracer.ids(&document, &ClientId::from_bytes(client), ClientSeq::NONE.next())
        };
        let ((all, _), (one, _), (other, _), (none, _)) = (tracer(1.0), tracer(0.25), tracer(0.25), tracer(0.0));
        let mut traced = 0;
        for seed in 0..4_000 {
            assert!(ids(&all, seed).is_some() && ids(&none, seed).is_none());
            assert_eq!(ids(&Tracer::default(), seed), None);
            assert_eq!(ids(&one, seed), ids(&other, seed));
            traced += u32::from(ids(&one, seed).is_some());
        }
        assert!((850..1_150).contains(&traced), "{traced}");
        assert_ne!(ids(&all, 1), ids(&all, 2));
    }

    #[test]
    fn what_nobody_takes_is_dropped_and_counted() {
        let (tracer, _exporter) = tracer(1.0);
        let before = spans_dropped();
        let now = SystemTime::now();
        let span = Span {
            trace: [1; 16],
            id: [1; 8],
            parent: None,
            name: "edit",
            kind: super::super::SpanKind::Server,
            start: now,
            end: now,
            attributes: Vec::new(),
        };
        (0..WAITING + 10).for_each(|_| tracer.send(vec![span.clone(); 2]));
        assert_eq!(spans_dropped() - before, 20);
    }
}
