//! Resident memory of the server per connection.

use cowrite_tests::raw::RawClient;
use cowrite_tests::server::{ServerProcess, mint};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;

/// Many connections, each with a token and then with one document open: of everybody's, or one each.
pub(crate) async fn measure(connections: usize) {
    println!("resident memory of the server, {connections} connections with a token of their own user");
    for (what, people) in [("ten in a document", 10), ("each in a document alone", 1)] {
        let most = (connections + 100).to_string();
        let server = ServerProcess::with_tokens(&["--memory", "--strangers", &most]);
        let empty = server.resident_bytes();
        let mut clients = Vec::new();
        for some in (0..connections).collect::<Vec<_>>().chunks(100) {
            let greeted = some.iter().map(|number| {
                let address = server.address();
                async move { RawClient::greeted(address, &mint(&format!("user-{number}"), &[("*", "editor")])).await }
            });
            clients.extend(join_all(greeted).await);
        }
        let greeted = server.resident_bytes();
        for (number, client) in clients.iter_mut().enumerate() {
            client.open(&format!("d{}", number / people)).await;
        }
        // Everybody reads what there is, as clients do; then all is quiet.
        let reading: FuturesUnordered<_> = clients.iter_mut().map(|client| client.goes_on()).collect();
        reading.for_each(|alive| async move { assert!(alive.is_ok(), "a connection has ended") }).await;
        let opened = server.resident_bytes();
        let each = |bytes: u64| bytes as f64 / 1024.0 / connections as f64;
        println!(
            "  {what}: {:.1} KiB authenticated, {:.1} KiB with the document open; {} MiB in all, {} MiB before",
            each(greeted - empty),
            each(opened - empty),
            opened >> 20,
            empty >> 20,
        );
    }
}
