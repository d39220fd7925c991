//! One who writes at one server and one who reads at another.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use cowrite_client::native::{DocumentClient, NativeClient, NativeSettings};
use cowrite_protocol::operation::Operation;
use tokio::time::timeout;

/// Two clients on one document, each connected straight to a server of its own.
pub(crate) struct Couple {
    _clients: [NativeClient; 2],
    writer: DocumentClient,
    reader: DocumentClient,
}

impl Couple {
    /// Opens the document at both servers.
    pub(crate) async fn meet(document: &str, servers: [SocketAddr; 2]) -> Couple {
        let clients = servers.map(|server| {
            let url = format!("ws://{server}/v1/socket");
            // Each couple is a user: nobody may have more than ten connections.
            NativeClient::connect(&url, format!("dev:{document}").as_str(), NativeSettings::default()).unwrap()
        });
        let [writer, reader] = [0, 1].map(|index| clients[index].open(document.parse().unwrap(), "").unwrap());
        for document in [&writer, &reader] {
            timeout(Duration::from_secs(20), document.opened()).await.expect("it opens").unwrap();
        }
        Couple { _clients: clients, writer, reader }
    }

    /// One writes something; how long it takes until the other has it.
    ///
    /// # Panics
    /// If it does not come within `patience`.
    pub(crate) async fn say(&self, something: &str, patience: Duration) -> Duration {
        let start = Instant::now();
        self.writer.edit(&Operation::builder().insert(something).build()).unwrap();
        let heard = self.reader.wait_until(|_| self.reader.text().contains(something));
        let heard = timeout(patience, heard).await;
        assert!(heard.is_ok(), "{something:?} does not come within {patience:?}: {:?}", self.reader.status());
        start.elapsed()
    }
}
