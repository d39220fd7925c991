//! Clients that open documents and type.

use std::time::Duration;

use cowrite_client::native::{DocumentClient, NativeClient, NativeSettings, TokenSource};
use cowrite_client::session::SessionSettings;
use cowrite_protocol::operation::OperationBuilder;
use cowrite_tests::server::ServerProcess;
use tokio::time::{sleep, timeout};

/// Nothing takes that long, unless it never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A client with one document open.
pub(crate) struct Person {
    pub(crate) document: DocumentClient,
    pub(crate) client: NativeClient,
}

impl Person {
    /// Opens a document at a server, with a token.
    pub(crate) async fn sit_down(server: &ServerProcess, token: &str, document: &str) -> Person {
        let client = client(server, token);
        let document = client.open(document.parse().unwrap(), "").unwrap();
        timeout(PATIENCE, document.opened()).await.expect("it opens").unwrap();
        Person { document, client }
    }

    /// Types a text at the start; waits until it is accepted.
    pub(crate) async fn write(&self, text: &str) {
        let edit = self.begins(text);
        timeout(PATIENCE, self.document.when_accepted(edit)).await.expect("it is accepted").unwrap();
    }

    /// Types a text at the start; gives the number of the edit.
    pub(crate) fn begins(&self, text: &str) -> u64 {
        self.document.edit(&OperationBuilder::default().insert(text).build()).unwrap()
    }

    /// Waits until the text is this.
    pub(crate) async fn reads(&self, text: &str) {
        until("the text arrives", || async { self.document.text() == text }).await;
    }
}

/// A client that has nothing open.
pub(crate) fn client(server: &ServerProcess, token: &str) -> NativeClient {
    let settings = NativeSettings { session: SessionSettings::new(7) };
    NativeClient::connect(&server.url(), TokenSource::fixed(token), settings).unwrap()
}

/// Waits until it is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let reached = async {
        while !is_so().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(timeout(PATIENCE, reached).await.is_ok(), "in vain: {what}");
}
