//! All numbers of one server, on one page.

use std::sync::Arc;

use super::page::Page;
use super::{LogMetrics, RoomMetrics};

/// All numbers of one server.
#[derive(Debug, Default)]
pub struct Metrics {
    /// What its rooms count.
    pub rooms: Arc<RoomMetrics>,
    /// What its log's adapter counts.
    pub log: Arc<LogMetrics>,
}

/// What is not counted but known when the page is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sampled {
    /// Connections that are open.
    pub connections: usize,
    /// Connections that were ever made.
    pub connections_made: u64,
    /// Rooms that are open.
    pub rooms: usize,
    /// Whether the log answered when it was last asked.
    pub log_up: bool,
    /// Whether the server goes down.
    pub draining: bool,
}

impl Metrics {
    /// The page in the text format of Prometheus. The names are an interface: they are
    /// listed in `docs/metrics.md`, and dashboards and alarms are made of them.
    pub fn page(&self, sampled: Sampled) -> String {
        let mut page = Page::default();
        let ready = u8::from(sampled.log_up && !sampled.draining);
        page.sample("cowrite_ready", "1 if the server should be sent traffic.", "gauge", ready);
        let up = u8::from(sampled.log_up);
        page.sample("cowrite_log_up", "1 if the op log answered when it was last asked.", "gauge", up);
        page.sample("cowrite_connections", "Connections that are open.", "gauge", sampled.connections);
        let made = sampled.connections_made;
        page.sample("cowrite_connections_total", "Connections that were made.", "counter", made);
        page.sample("cowrite_rooms", "Documents that are open in this process.", "gauge", sampled.rooms);
        self.put_rooms(&mut page);
        self.put_edits(&mut page);
        self.put_log(&mut page);
        page.finish()
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
        words.filter(|word| word.starts_with("cowrite_")).collect()
    }

    #[test]
    fn every_number_is_documented_and_every_documented_number_is_there() {
        let page = Metrics::default().page(Sampled::default());
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
