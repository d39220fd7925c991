//! What an operator sees: numbers, dashboard, alerts, log lines, traces; of real servers.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "all of it is a test")]

mod collector;
mod files;
mod lines;
mod numbers;
mod people;
mod scraper;
mod stopped_reader;
mod traced;
