//! The text format in which Prometheus reads numbers.

use std::fmt::Write;

use super::kinds::{Kind, Kinds};
use super::{Counter, Gauge, Histogram};

/// A page in the making. Names and labels are ours, so nothing is escaped.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    /// The whole page.
    pub(super) fn finish(self) -> String {
        self.0
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, counter: &Counter) {
        self.head(name, help, "counter");
        self.line(name, "", counter.get());
    }

    /// Counters of one name, told apart by the values of one label.
    pub(super) fn counters(&mut self, name: &str, help: &str, label: &str, counters: &[(&str, &Counter)]) {
        self.head(name, help, "counter");
        for (value, counter) in counters {
            self.line(name, &format!("{{{label}=\"{value}\"}}"), counter.get());
        }
    }

    /// Counters of one name, told apart by kind.
    pub(super) fn kinds<K: Kind>(&mut self, name: &str, help: &str, label: &str, kinds: &Kinds<K>) {
        self.counters(name, help, label, &kinds.labelled());
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, gauge: &Gauge) {
        self.sample(name, help, "gauge", gauge.get());
    }

    /// A number that is not kept but read now.
    pub(super) fn sample(&mut self, name: &str, help: &str, kind: &str, value: impl std::fmt::Display) {
        self.head(name, help, kind);
        self.line(name, "", value);
    }

    /// A number that the system may not say; then it is not there at all.
    pub(super) fn perhaps(&mut self, name: &str, help: &str, kind: &str, value: Option<impl std::fmt::Display>) {
        if let Some(value) = value {
            self.sample(name, help, kind, value);
        }
    }

    /// What something is, as labels of a 1. The values are ours and need no escape.
    pub(super) fn info(&mut self, name: &str, help: &str, label: &str, value: &str) {
        self.head(name, help, "gauge");
        self.line(name, &format!("{{{label}=\"{value}\"}}"), 1);
    }

    /// In seconds, as the format wants it.
    pub(super) fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, help, "histogram");
        let bucket = format!("{name}_bucket");
        let mut count = 0;
        let bounds = Histogram::BOUNDS_MICROS.map(Some).into_iter().chain([None]);
        for (bound, at_most) in bounds.zip(histogram.at_most()) {
            let bound = bound.map_or("+Inf".to_owned(), |micros| (micros as f64 / 1e6).to_string());
            self.line(&bucket, &format!("{{le=\"{bound}\"}}"), at_most);
            count = at_most;
        }
        self.line(&format!("{name}_sum"), "", histogram.sum().as_secs_f64());
        self.line(&format!("{name}_count"), "", count);
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_kind_is_written_as_the_format_says() {
        let (counter, gauge, histogram) = (Counter::default(), Gauge::default(), Histogram::default());
        counter.add(3);
        gauge.add(-2);
        histogram.observe(Duration::from_micros(1_500));
        histogram.observe(Duration::from_secs(60));
        let mut page = Page::default();
        page.counters("c_total", "Counted.", "how", &[("well", &counter), ("badly", &Counter::default())]);
        page.gauge("g", "Gauged.", &gauge);
        page.histogram("h_seconds", "Timed.", &histogram);
        let page = page.finish();
        let start = "# HELP c_total Counted.\n# TYPE c_total counter\nc_total{how=\"well\"} 3\nc_total{how=\"badly\"} 0\n\
            # HELP g Gauged.\n# TYPE g gauge\ng -2\n# HELP h_seconds Timed.\n# TYPE h_seconds histogram\n\
            h_seconds_bucket{le=\"0.0001\"} 0\n";
        assert!(page.starts_with(start), "{page}");
        let end = "h_seconds_bucket{le=\"0.001\"} 0\nh_seconds_bucket{le=\"0.0025\"} 1\n";
        assert!(page.contains(end), "{page}");
        let end = "{le=\"10\"} 1\nh_seconds_bucket{le=\"+Inf\"} 2\nh_seconds_sum 60.0015\nh_seconds_count 2\n";
        assert!(page.ends_with(end), "{page}");
    }
}
