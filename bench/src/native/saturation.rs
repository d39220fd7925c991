//! Writers that never rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use cowrite_tests::server::mint;
use serde_json::{Value, json};

use super::client::Client;
use super::kernel::cpu_ms;
use super::scenario::{Scenario, Who};
use crate::load::Writer;

/// As `bench/peers/load/saturation.mjs`, by writers that have no text themselves.
pub(super) async fn measure(scenario: &Scenario) -> Value {
    let stop = Arc::new(AtomicBool::new(false));
    let all = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    for index in 0..scenario.documents {
        let mut typist = Typist::open(scenario, index).await;
        let (stop, all) = (Arc::clone(&stop), Arc::clone(&all));
        tasks.push(tokio::spawn(async move {
            let mut typed = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                typist.write().await;
                typed += 1;
                all.fetch_add(1, Ordering::Relaxed);
            }
            typed
        }));
    }
    tokio::time::sleep(scenario.warm()).await;
    let spent = || (cpu_ms(&[scenario.pid]), cpu_ms(&scenario.more_pids));
    let (before, edits, begun) = (spent(), all.load(Ordering::Relaxed), Instant::now());
    tokio::time::sleep(scenario.measured()).await;
    let edits = all.load(Ordering::Relaxed) - edits;
    let (after, took) = (spent(), begun.elapsed());
    stop.store(true, Ordering::Relaxed);
    let mut all = 0;
    for (index, task) in tasks.into_iter().enumerate() {
        let typed = task.await.expect("writers end") as usize;
        all += typed;
        if scenario.client == Who::Cowrite {
            let (user, document) = (format!("late{index}"), format!("d{index}"));
            let text = Client::open(scenario.client, &scenario.url, &document, &user, None).await.text();
            assert!(text == "x".repeat(typed), "d{index} holds {} letters, not {typed}", text.len());
        }
    }
    json!({
        "edits": edits, "allEdits": all, "cpuMs": after.0 - before.0, "moreCpuMs": after.1 - before.1,
        "tookMs": took.as_secs_f64() * 1e3,
    })
}

enum Typist {
    Cowrite(Box<Writer>),
    Relay(Box<Client>),
}

impl Typist {
    async fn open(scenario: &Scenario, index: usize) -> Typist {
        let (user, document) = (format!("u{index}"), format!("d{index}"));
        match scenario.client {
            Who::Cowrite => {
                let address = scenario.url.trim_start_matches("ws://").parse().expect("an address");
                let token = mint(&user, &[("*", "editor")]);
                Typist::Cowrite(Box::new(Writer::open_with(address, &token, &document).await))
            }
            Who::Relay => {
                Typist::Relay(Box::new(Client::open(Who::Relay, &scenario.url, &document, &user, None).await))
            }
        }
    }

    async fn write(&mut self) {
        match self {
            Typist::Cowrite(writer) => writer.write_for(1).await,
            Typist::Relay(client) => {
                client.insert("x", 0, 1);
                client.accepted().await;
            }
        }
    }
}
