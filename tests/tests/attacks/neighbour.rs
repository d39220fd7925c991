//! An honest person at work on another document, whom no attack may disturb.

use std::time::{Duration, Instant};

use cowrite_client::native::{DocumentClient, NativeClient, NativeSettings, TokenSource};
use cowrite_client::session::SessionSettings;
use cowrite_protocol::operation::OperationBuilder;
use cowrite_protocol::{Operation, Utf16Length};
use tokio::time::{sleep_until, timeout};

/// Nothing takes that long, unless it never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Neighbour {
    pub(crate) document: DocumentClient,
    _client: NativeClient,
    typed: u32,
}

/// How long edits took to be accepted.
#[derive(Clone, Debug)]
pub(crate) struct Times(Vec<Duration>);

impl Neighbour {
    pub(crate) async fn sit_down(url: &str, document: &str, name: &str) -> Neighbour {
        let settings = NativeSettings { session: SessionSettings::new(7) };
        let client = NativeClient::connect(url, TokenSource::fixed(&format!("dev:{name}")), settings).unwrap();
        let document = client.open(document.parse().unwrap(), "").unwrap();
        timeout(PATIENCE, document.opened()).await.expect("it opens").unwrap();
        Neighbour { document, _client: client, typed: 0 }
    }

    /// Types one character, and gives the time until it is accepted.
    pub(crate) async fn type_one(&mut self) -> Duration {
        let began = Instant::now();
        let edit = self.document.edit(&insert(0, "x")).unwrap();
        self.typed += 1;
        timeout(PATIENCE, self.document.when_accepted(edit)).await.expect("edits are accepted").unwrap();
        began.elapsed()
    }

    /// Types so many characters at so many a second, as far as they are accepted in time.
    pub(crate) async fn type_at(&mut self, per_second: u32, count: u32) -> Times {
        let mut times = Vec::new();
        let mut next = tokio::time::Instant::now();
        for _ in 0..count {
            sleep_until(next).await;
            next += Duration::from_secs(1) / per_second;
            times.push(self.type_one().await);
        }
        Times(times)
    }

    /// All that was typed is there, once, and another who comes sees the same.
    pub(crate) async fn is_intact(&self, url: &str, name: &str) {
        let version = self.document.status().version.get();
        let witness = Neighbour::sit_down(url, name, "witness").await;
        let reached = witness.document.wait_until(|status| status.version.get() >= version);
        timeout(PATIENCE, reached).await.expect("the witness catches up").unwrap();
        assert_eq!(self.document.text(), "x".repeat(self.typed as usize));
        assert_eq!(witness.document.text(), self.document.text());
    }
}

impl Times {
    /// The time that so many of a hundred do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let mut times = self.0.clone();
        times.sort_unstable();
        times[(times.len() * percent / 100).min(times.len() - 1)]
    }
}

pub(crate) fn insert(at: u32, text: &str) -> Operation {
    OperationBuilder::default().retain(Utf16Length(at)).insert(text).build()
}
