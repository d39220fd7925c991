//! Documents that are opened, closed by everybody, and then others: what a server keeps of each.

use std::time::{Duration, Instant};

use cowrite_protocol::Operation;
use cowrite_protocol::frame::ClientFrame;
use cowrite_tests::raw::{RawClient, packed};
use cowrite_tests::server::{Metrics, get, mint};
use serde_json::{Value, json};

use super::kernel::mib;
use super::scenario::Scenario;

/// Documents that one connection has open.
const OF_A_CONNECTION: usize = 50;
const PATIENCE: Duration = Duration::from_secs(30);
/// What a server has begun when it said that a room is gone, and the allocator.
const REST: Duration = Duration::from_millis(500);

/// Opens so many documents with a text of so many units each, by few connections that were there before, in two steps:
/// the first fifth, whose memory a server takes from the system for the first time, and the rest, whose slope counts.
/// Then all are closed, and as many others opened.
pub(super) async fn measure(scenario: &Scenario) -> Value {
    let mut clients = Vec::new();
    for number in 0..2 * scenario.documents / OF_A_CONNECTION {
        let token = mint(&format!("u{number}"), &[("*", "editor")]);
        clients.push(RawClient::greeted(scenario.address(), &token).await);
    }
    let (first, others) = clients.split_at_mut(scenario.documents / OF_A_CONNECTION);
    let empty = resident(scenario).await;
    let (some, rest) = first.split_at_mut(first.len() / 5);
    let few = some.len() * OF_A_CONNECTION;
    let mut channels = fill(scenario, some, 0).await;
    let begun = resident(scenario).await;
    channels.extend(fill(scenario, rest, few).await);
    let open = resident(scenario).await;
    for (client, channels) in first.iter_mut().zip(&channels) {
        let frames: Vec<_> = channels.iter().map(|channel| ClientFrame::Close { channel: *channel }).collect();
        client.say(&frames).await;
    }
    let deadline = Instant::now() + PATIENCE;
    while rooms(scenario).await > 0.0 {
        assert!(Instant::now() < deadline, "documents that nobody has open leave memory");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let closed = resident(scenario).await;
    fill(scenario, others, scenario.documents).await;
    let others_open = resident(scenario).await;
    let each = |mib: f64, documents: usize| mib * 1024.0 / documents as f64;
    json!({
        "openKib": each(open - begun, scenario.documents - few),
        "wholeKib": each(open - empty, scenario.documents),
        "closedKib": each(closed - empty, scenario.documents),
        "othersKib": each(others_open - open, scenario.documents),
    })
}

/// Each client opens documents that nobody has written, from this number on, and writes the text of each.
async fn fill(scenario: &Scenario, clients: &mut [RawClient], from: usize) -> Vec<Vec<cowrite_protocol::Channel>> {
    let text = "Lorem ipsum. ".repeat(scenario.units / 13 + 1);
    let operation = packed(&Operation::builder().insert(&text[..scenario.units]).build());
    let mut all = Vec::new();
    for (index, client) in clients.iter_mut().enumerate() {
        let mut channels = Vec::new();
        for number in 0..OF_A_CONNECTION {
            let channel = client.open(&format!("r{}", from + index * OF_A_CONNECTION + number)).await;
            assert_eq!(client.submit(channel, 1, 0, &operation).await, None, "a text is written");
            channels.push(channel);
        }
        all.push(channels);
    }
    all
}

async fn resident(scenario: &Scenario) -> f64 {
    tokio::time::sleep(REST).await;
    mib(scenario.pid, "VmRSS")
}

async fn rooms(scenario: &Scenario) -> f64 {
    let page = get(scenario.address(), "/metrics").await.expect("/metrics is answered");
    Metrics::parse(&page.body).value("cowrite_rooms").expect("rooms are counted")
}
