//! The spans of one edit.

use std::time::Instant;

use cowrite_protocol::{ClientId, ClientSeq, DocumentId, Version};

use super::tracer::{TraceIds, part};
use super::{Attribute, Span, SpanKind, Tracer};
use crate::metrics::Trail;

/// An edit that was given out by a room of this server.
#[derive(Clone, Copy, Debug)]
pub struct DeliveredEdit<'a> {
    /// The document.
    pub document: &'a DocumentId,
    /// Whose it is.
    pub client: &'a ClientId,
    /// Its number there.
    pub seq: ClientSeq,
    /// The number of its entry.
    pub version: Version,
    /// Bytes of its packed operation.
    pub bytes: usize,
}

/// When the batch of an edit went to the log, and came back.
#[derive(Clone, Copy, Debug, Default)]
pub struct AppendTimes {
    /// It was asked for.
    pub asked: Option<Instant>,
    /// It was answered.
    pub answered: Option<Instant>,
}

impl Tracer {
    /// An edit that a client of this server made has gone the whole way, now: from its socket to
    /// the room (`queue`), until its batch began (`sequence`), to the log and back (`append`), and to
    /// the sockets of all others (`fan_out`).
    pub fn delivered(&self, edit: DeliveredEdit<'_>, trail: &Trail, append: AppendTimes) {
        let Some(ids) = self.ids_of(&edit) else { return };
        let (Some(began), now) = (trail.began(), Instant::now()) else { return };
        // What was not seen takes no time.
        let taken = trail.taken_at().unwrap_or(began);
        let asked = append.asked.unwrap_or(taken).max(taken);
        let answered = append.answered.unwrap_or(asked).max(asked);
        let root = self.span(&ids, 0, "edit", SpanKind::Server, (began, now), attributes(&edit));
        let part = |place, name, from, to| self.span(&ids, place, name, SpanKind::Internal, (from, to), Vec::new());
        self.send(vec![
            root,
            part(1, "queue", began, taken),
            part(2, "sequence", taken, asked),
            part(3, "append", asked, answered),
            part(4, "fan_out", answered, now),
        ]);
    }

    /// An edit that came by the feed, or was read from the log, has been given to the sockets here,
    /// which began at `from`. It joins the trace of the server that took it.
    pub fn received(&self, edit: DeliveredEdit<'_>, from: Option<Instant>, room: [u8; 16]) {
        let Some(ids) = self.ids_of(&edit) else { return };
        let now = Instant::now();
        let mut said = attributes(&edit);
        said.push(("cowrite.room", Attribute::Text(format!("{:032x}", u128::from_be_bytes(room)))));
        // Several servers add one each. Small numbers are the places of the parts above.
        let place = (u128::from_be_bytes(room) >> 64) as u64 | 1 << 63;
        self.send(vec![self.span(&ids, place, "feed", SpanKind::Consumer, (from.unwrap_or(now), now), said)]);
    }

    fn ids_of(&self, edit: &DeliveredEdit<'_>) -> Option<TraceIds> {
        self.ids(edit.document, edit.client, edit.seq)
    }

    fn span(
        &self,
        ids: &TraceIds,
        place: u64,
        name: &'static str,
        kind: SpanKind,
        (start, end): (Instant, Instant),
        attributes: Vec<(&'static str, Attribute)>,
    ) -> Span {
        let is_root = place == 0;
        let id = if is_root { ids.root } else { part(u64::from_be_bytes(ids.root), place) };
        let (start, end) = (self.time_of(start), self.time_of(end));
        let parent = (!is_root).then_some(ids.root);
        Span { trace: ids.trace, id, parent, name, kind, start, end, attributes }
    }
}

fn attributes(edit: &DeliveredEdit<'_>) -> Vec<(&'static str, Attribute)> {
    vec![
        ("cowrite.document", Attribute::Text(edit.document.as_str().to_owned())),
        ("cowrite.version", Attribute::Number(edit.version.get())),
        ("cowrite.client_seq", Attribute::Number(edit.seq.get())),
        ("cowrite.operation_bytes", Attribute::Number(edit.bytes as u64)),
    ]
}
