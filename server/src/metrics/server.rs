//! All numbers of one server, on one page.

use std::sync::Arc;

use super::page::Page;
use crate::traces::Tracer;

use super::{FrontMetrics, LogMetrics, ProcessSample, RoomMetrics, unix_seconds};

/// All numbers of one server. Clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// What is counted between the network and the rooms.
    pub front: Arc<FrontMetrics>,
    /// What its rooms count.
    pub rooms: Arc<RoomMetrics>,
    /// What its log's adapter counts.
    pub log: Arc<LogMetrics>,
    /// When the server began, in seconds since 1970.
    started: f64,
}

/// What is not counted but known when the page is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sampled {
    /// TCP connections of users that are open, whatever has become of them.
    pub arrivals: u32,
    /// Connections that are open.
    pub connections: usize,
    /// Connections that were ever made.
    pub connections_made: u64,
    /// Rooms that are open.
    pub rooms: usize,
    /// Connections that hold a place of their user.
    pub leases: usize,
    /// Whether those are counted by this server alone.
    pub leases_alone: bool,
    /// Revocations that are remembered.
    pub revocations: usize,
    /// Whether the log answered when it was last asked.
    pub log_up: bool,
    /// Whether the server goes down.
    pub draining: bool,
    /// Log lines that were not written, since nobody took them.
    pub log_lines_dropped: u64,
    /// Spans of traces that were not sent, since nobody took them.
    pub spans_dropped: u64,
    /// What the system knows of the process.
    pub process: ProcessSample,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics { front: Arc::default(), rooms: Arc::default(), log: Arc::default(), started: unix_seconds() }
    }
}

impl Metrics {
    /// Numbers at 0, and traces of edits by this tracer.
    pub fn traced(tracer: Tracer) -> Metrics {
        Metrics { rooms: Arc::new(RoomMetrics::traced(tracer)), ..Metrics::default() }
    }

    /// The page in the text format of Prometheus. The names are an interface: they are
    /// listed in `docs/metrics.md`, and dashboards and alarms are made of them.
    pub fn page(&self, sampled: Sampled) -> String {
        let mut page = Page::default();
        let ready = u8::from(sampled.log_up && !sampled.draining);
        page.sample("cowrite_ready", "1 if the server should be sent traffic.", "gauge", ready);
        let up = u8::from(sampled.log_up);
        page.sample("cowrite_log_up", "1 if the op log answered when it was last asked.", "gauge", up);
        let help = "TCP connections of users that are open, also those that are no sockets yet.";
        page.sample("cowrite_arrivals", help, "gauge", sampled.arrivals);
        page.sample("cowrite_connections", "Connections that are open.", "gauge", sampled.connections);
        let made = sampled.connections_made;
        page.sample("cowrite_connections_total", "Connections that were made.", "counter", made);
        self.put_connections(&mut page);
        page.sample("cowrite_rooms", "Documents that are open in this process.", "gauge", sampled.rooms);
        self.put_rooms(&mut page);
        self.put_opens(&mut page);
        self.put_edits(&mut page);
        self.put_delivery(&mut page);
        self.put_identity(&mut page, &sampled);
        self.put_log(&mut page);
        self.put_process(&mut page, &sampled);
        page.finish()
    }

    fn put_process(&self, page: &mut Page, sampled: &Sampled) {
        let process = &sampled.process;
        page.info("cowrite_build_info", "What runs here.", "version", env!("CARGO_PKG_VERSION"));
        let help = "Log lines that were not written, since nobody took them.";
        page.sample("cowrite_log_lines_dropped_total", help, "counter", sampled.log_lines_dropped);
        let help = "Spans of traces that were not sent, since nobody took them.";
        page.sample("cowrite_spans_dropped_total", help, "counter", sampled.spans_dropped);
        page.perhaps("process_resident_memory_bytes", "Memory of the process.", "gauge", process.resident_bytes);
        page.perhaps("process_open_fds", "Files and sockets that are open.", "gauge", process.open_fds);
        page.perhaps("process_max_fds", "How many may be open.", "gauge", process.max_fds);
        page.perhaps("process_cpu_seconds_total", "Processor time that was used.", "counter", process.cpu_seconds);
        let help = "When the server began, since 1970.";
        page.sample("process_start_time_seconds", help, "gauge", self.started);
    }

    fn put_connections(&self, page: &mut Page) {
        let front = &self.front;
        let help = "Connections, or requests for one, that were not let in, by reason.";
        page.kinds("cowrite_connections_refused_total", help, "reason", &front.refused);
        let help = "Connections that the server ended, by the code that they were told.";
        page.kinds("cowrite_connections_ended_total", help, "code", &front.ended);
        page.counter("cowrite_connections_gone_total", "Connections that the other side ended.", &front.gone);
        let help = "Connections that the system could not give us, mostly for want of file descriptors.";
        page.counter("cowrite_accept_failures_total", help, &front.accept_failures);
        let messages = [("in", &front.messages_received), ("out", &front.messages_sent)];
        page.counters("cowrite_messages_total", "WebSocket messages.", "direction", &messages);
        let bytes = [("in", &front.bytes_received), ("out", &front.bytes_sent)];
        page.counters("cowrite_message_bytes_total", "Bytes of their contents.", "direction", &bytes);
    }

    fn put_identity(&self, page: &mut Page, sampled: &Sampled) {
        let front = &self.front;
        page.counter("cowrite_authenticated_total", "Connections that were believed.", &front.authenticated);
        page.counter("cowrite_token_refreshes_total", "Fresh tokens that were believed.", &front.refreshed);
        let help = "Times that somebody was not believed, or not any more, by code.";
        page.kinds("cowrite_auth_failures_total", help, "code", &front.auth_failures);
        let help = "Times that somebody wanted what they may not, by what.";
        page.kinds("cowrite_permission_denials_total", help, "action", &self.rooms.denied);
        let help = "Times that somebody did something too often and was told, by what.";
        page.kinds("cowrite_rate_limited_total", help, "kind", &front.rate_limited);
        let help = "Time until the application said what a user may do.";
        page.histogram("cowrite_access_seconds", help, &front.access_time);
        let help = "Times that it did not say.";
        page.counter("cowrite_access_failures_total", help, &front.access_failures);
        let help = "Times that the keys of tokens could not be fetched.";
        page.counter("cowrite_key_fetch_failures_total", help, &front.key_fetch_failures);
        page.counter("cowrite_tokens_minted_total", "Tokens made for the application.", &front.tokens_minted);
        page.sample("cowrite_leases", "Connections here that hold a place of their user.", "gauge", sampled.leases);
        let help = "1 if places of users are counted by this server alone, though they should be over all.";
        page.sample("cowrite_leases_alone", help, "gauge", u8::from(sampled.leases_alone));
        page.sample("cowrite_revocations", "Revocations that are remembered.", "gauge", sampled.revocations);
        page.kinds("cowrite_revoked_total", "What they ended here.", "what", &front.revoked);
    }

    fn put_opens(&self, page: &mut Page) {
        let rooms = &self.rooms;
        page.gauge("cowrite_subscriptions", "Documents that connections have open, each once.", &rooms.channels);
        page.kinds(
            "cowrite_opens_total",
            "Documents that were opened, by how their client came.",
            "kind",
            &rooms.opens,
        );
        let help = "Documents that were not opened, by the code that their client was told.";
        page.kinds("cowrite_opens_refused_total", help, "code", &rooms.opens_refused);
        let help = "Documents that the server closed on a connection, by code.";
        page.kinds("cowrite_channels_closed_total", help, "code", &rooms.closed);
    }

    fn put_delivery(&self, page: &mut Page) {
        let rooms = &self.rooms;
        let help = "Time from an edit's arrival to its ack being queued to the socket.";
        page.histogram("cowrite_submit_to_ack_seconds", help, &rooms.ack_time);
        let help = "Time from an edit's arrival to its being queued to all other sockets of this server.";
        page.histogram("cowrite_submit_to_fan_out_seconds", help, &rooms.fan_out_time);
        page.kinds("cowrite_catch_ups_total", "Times that a channel was brought on, by how.", "kind", &rooms.catch_ups);
        page.kinds("cowrite_catch_up_bytes_total", "Bytes that took.", "kind", &rooms.catch_up_bytes);
        let help = "Frames not queued since their reader is slow; it is brought on later.";
        page.kinds("cowrite_frames_dropped_total", help, "kind", &rooms.dropped);
        let help = "Changes replaced by a later one before they were sent.";
        page.kinds("cowrite_frames_coalesced_total", help, "kind", &rooms.coalesced);
    }

    fn put_rooms(&self, page: &mut Page) {
        let rooms = &self.rooms;
        page.gauge("cowrite_rooms_stalled", "Rooms whose append waits for an answer too long.", &rooms.stalled);
        page.gauge("cowrite_documents_damaged", "Open documents that are closed to all as damaged.", &rooms.damaged);
        page.counter("cowrite_documents_damaged_total", "Times that a document was closed so.", &rooms.damaged_total);
        let help = "Open documents that can be read only, for an entry of theirs that cannot.";
        page.gauge("cowrite_documents_quarantined", help, &rooms.quarantined);
        let help = "Times that a document came to be read-only so.";
        page.counter("cowrite_documents_quarantined_total", help, &rooms.quarantined_total);
        page.counter("cowrite_rooms_failed_total", "Rooms that ended by a panic.", &rooms.failed);
        let help = "Times that a document could not be loaded since the log did not answer.";
        page.counter("cowrite_room_loads_failed_total", help, &rooms.loads_failed);
        let snapshots = [
            ("stored", &rooms.snapshots_stored),
            ("failed", &rooms.snapshots_failed),
            ("ignored", &rooms.snapshots_ignored),
        ];
        page.counters("cowrite_snapshots_total", "Snapshots, by what became of them.", "outcome", &snapshots);
    }

    fn put_edits(&self, page: &mut Page) {
        let rooms = &self.rooms;
        let submits = [
            ("accepted", &rooms.accepted),
            ("rejected", &rooms.rejected),
            ("duplicate", &rooms.duplicate),
            ("fenced", &rooms.fenced),
        ];
        page.counters("cowrite_submits_total", "Edits of clients, by how they were answered.", "outcome", &submits);
        let help = "Edits and restorations refused since their document's format does not allow what they bring in.";
        page.counter("cowrite_forbidden_edits_total", help, &rooms.forbidden);
        let appends = [
            ("committed", &rooms.committed),
            ("conflict", &rooms.conflict),
            ("refused", &rooms.refused),
            ("epoch_changed", &rooms.epoch_changed),
            ("unknown", &rooms.unknown),
            ("unavailable", &rooms.unavailable),
        ];
        let help = "Appends, by the log's answer; unknown and unavailable are tried again.";
        page.counters("cowrite_appends_total", help, "outcome", &appends);
        page.histogram("cowrite_append_seconds", "Time from an append to its answer.", &rooms.append_time);
        page.counter("cowrite_entries_committed_total", "Entries of this server's appends.", &rooms.entries_committed);
        let help = "Entries taken from the feed or read from the log, whoever wrote them.";
        page.counter("cowrite_entries_received_total", help, &rooms.entries_received);
        let help = "Times that a client was found to hold another text or history.";
        page.counter("cowrite_divergences_total", help, &rooms.divergences);
    }

    fn put_log(&self, page: &mut Page) {
        let (rooms, log) = (&self.rooms, &self.log);
        let help = "Times that the op log did not do what it was asked for, by what.";
        page.kinds("cowrite_log_errors_total", help, "operation", &rooms.log_errors);
        let help = "Times that the log held another history than an open document.";
        page.counter("cowrite_histories_lost_total", help, &rooms.histories_lost);
        let help = "New lives of documents' logs that this server began after a loss.";
        page.counter("cowrite_epochs_begun_total", help, &rooms.epochs_begun);
        let gaps = [("feed", &rooms.gaps_in_feed), ("look", &rooms.gaps_at_look)];
        page.counters("cowrite_feed_gaps_total", "Entries that the feed lost, by who noticed.", "noticed", &gaps);
        let help = "Times that live subscriptions were interrupted.";
        page.counter("cowrite_feed_interruptions_total", help, &log.feed_interruptions);
        let garbage = [("feed", &log.feed_garbage), ("presence", &rooms.presence_garbage)];
        page.counters("cowrite_garbage_total", "Messages that were none, and ignored.", "channel", &garbage);
        let help = "Connections to the log that were lost and made again.";
        page.counter("cowrite_log_reconnects_total", help, &log.reconnects);
        let help = "Requests whose answer was lost, and that the adapter itself repeated.";
        page.counter("cowrite_log_answers_lost_total", help, &log.lost_answers);
        let help = "Entries that are accepted and not as durable yet as promised.";
        page.gauge("cowrite_undurable_entries", help, &log.undurable_entries);
        let help = "Waits for durability that ended short of what is promised.";
        page.counter("cowrite_durability_short_total", help, &log.durability_short);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The words of a text that are names of ours.
    fn names(text: &str) -> BTreeSet<&str> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.filter(|word| word.starts_with("cowrite_") || word.starts_with("process_")).collect()
    }

    #[test]
    fn every_number_is_documented_and_every_documented_number_is_there() {
        let process =
            ProcessSample { resident_bytes: Some(1), open_fds: Some(2), max_fds: Some(3), cpu_seconds: Some(0.25) };
        let page = Metrics::default().page(Sampled { process, ..Sampled::default() });
        let typed = page.lines().filter(|line| line.starts_with("# TYPE")).collect::<Vec<_>>().join("\n");
        assert_eq!(names(&typed), names(include_str!("../../../docs/metrics.md")));
    }

    #[test]
    fn a_name_appears_once_and_counters_end_in_total() {
        let page = Metrics::default().page(Sampled::default());
        let mut seen = BTreeSet::new();
        for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
            let (name, kind) = line.split_once(' ').unwrap();
            assert!(seen.insert(name), "{name} twice");
            assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
        }
    }

    #[test]
    fn a_server_that_goes_down_is_not_ready_though_its_log_is_up() {
        let page = Metrics::default().page(Sampled { log_up: true, draining: true, rooms: 7, ..Sampled::default() });
        for line in ["cowrite_ready 0", "cowrite_log_up 1", "cowrite_rooms 7"] {
            assert!(page.lines().any(|other| other == line), "{line}");
        }
    }
}
