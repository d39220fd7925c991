//! Somebody who works while others attack.

use std::time::{Duration, Instant};

use cowrite_client::native::{DocumentClient, NativeClient, NativeSettings, TokenSource};
use cowrite_client::session::SessionSettings;
use cowrite_protocol::Utf16Length;
use cowrite_protocol::operation::OperationBuilder;
use cowrite_tests::server::ServerProcess;
use tokio::time::timeout;

use crate::wire::PATIENCE;

/// One who has a document open on a server, and types.
pub(crate) struct Neighbour {
    document: DocumentClient,
    _client: NativeClient,
    typed: u32,
}

impl Neighbour {
    pub(crate) async fn sit_down(server: &ServerProcess, number: u64) -> Neighbour {
        let settings = NativeSettings { session: SessionSettings::new(number) };
        let token = TokenSource::fixed(&format!("dev:neighbour{number}"));
        let client = NativeClient::connect(&server.url(), token, settings).unwrap();
        let document = client.open(format!("desk-{number}").parse().unwrap(), "").unwrap();
        timeout(PATIENCE, document.opened()).await.expect("it opens").unwrap();
        Neighbour { document, _client: client, typed: 0 }
    }

    /// Types one character and waits until it is accepted; how long that took.
    pub(crate) async fn type_one(&mut self) -> Duration {
        let began = Instant::now();
        let operation = OperationBuilder::default().retain(Utf16Length(self.typed)).insert("x").build();
        let edit = self.document.edit(&operation).unwrap();
        timeout(PATIENCE, self.document.when_accepted(edit)).await.expect("it is accepted").unwrap();
        self.typed += 1;
        began.elapsed()
    }

    /// Types so many characters, one after the other; the slowest of the best 99 %.
    pub(crate) async fn p99_of(&mut self, characters: usize) -> Duration {
        let mut took = Vec::with_capacity(characters);
        for _ in 0..characters {
            took.push(self.type_one().await);
        }
        p99(took)
    }
}

/// The slowest of the best 99 %.
pub(crate) fn p99(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took[(took.len() * 99).div_ceil(100) - 1]
}

/// The resident memory of a process, in KiB.
pub(crate) fn resident_kib(server: &mut ServerProcess) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process().pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
