//! People type at a steady pace.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cowrite_tests::server::{Metrics, get};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::client::{Client, Heard};
use super::kernel::{cpu_ms, mib};
use super::scenario::{Scenario, Who};
use crate::sample::Sample;

const SEED: &str = "0123456789";
const SEED_TIMES: usize = 100;
const PATIENCE: Duration = Duration::from_secs(60);

/// What the clients of one document share.
struct Told {
    /// When each letter was typed, by writer.
    sent: Vec<Vec<Instant>>,
    /// How many letters of each writer each client has seen.
    seen: Vec<Vec<usize>>,
    latencies: Sample,
}

struct Desk {
    name: String,
    clients: Vec<Client>,
    told: Arc<Mutex<Told>>,
}

/// As `bench/peers/load/typing.mjs`.
pub(super) async fn measure(scenario: &Scenario) -> Value {
    let mut desks = Vec::new();
    for index in 0..scenario.documents {
        let clients = scenario.full[index % scenario.full.len()] + scenario.deaf;
        desks.push(Desk::open(scenario, format!("d{index}"), clients).await);
    }
    let before = mib(scenario.pid, "VmRSS");
    type_for(&mut desks, scenario, scenario.warm()).await;
    settle(&mut desks, scenario).await;
    desks.iter().for_each(|desk| desk.told.lock().unwrap().latencies = Sample::default());
    let spent = || scenario.pids().iter().map(|pid| cpu_ms(&[*pid])).collect::<Vec<_>>();
    let (cpu, bytes_before, begun) = (spent(), bytes(scenario).await, Instant::now());
    let edits = type_for(&mut desks, scenario, scenario.measured()).await;
    settle(&mut desks, scenario).await;
    let took = begun.elapsed();
    let each: Vec<f64> = spent().iter().zip(&cpu).map(|(after, before)| after - before).collect();
    let bytes_after = bytes(scenario).await;
    let (resident, peak) = (mib(scenario.pid, "VmRSS"), mib(scenario.pid, "VmHWM"));
    let mut latencies = Sample::default();
    let mut deliveries = 0.0;
    for desk in &desks {
        latencies.join(std::mem::take(&mut desk.told.lock().unwrap().latencies));
        deliveries += edits as f64 / desks.len() as f64 * (desk.clients.len() - 1) as f64;
        desk.check(scenario).await;
    }
    let ms = |share| latencies.percentile(share).as_secs_f64() * 1e3;
    json!({
        "edits": edits, "deliveries": deliveries, "tookMs": took.as_secs_f64() * 1e3, "cpuMs": each[0], "cpuEach": each,
        "cpuPer1000": each[0] * 1000.0 / deliveries,
        "bytesIn": bytes_after.0 - bytes_before.0, "bytesOut": bytes_after.1 - bytes_before.1, "p50": ms(0.5), "p99": ms(0.99), "max": ms(1.0),
        "residentMib": resident, "peakMib": peak, "beforeMib": before,
    })
}

impl Desk {
    async fn open(scenario: &Scenario, name: String, count: usize) -> Desk {
        let sent = vec![Vec::new(); scenario.writers];
        let seen = vec![vec![0; scenario.writers]; count];
        let told = Arc::new(Mutex::new(Told { sent, seen, latencies: Sample::default() }));
        let mut clients = Vec::new();
        for index in 0..count {
            let told = Arc::clone(&told);
            let heard: Heard = Box::new(move |letters| told.lock().unwrap().hear(index, letters));
            let user = format!("{name}-{index}");
            let url = scenario.url_of(index);
            let mut client = Client::open(scenario.client, url, &name, &user, Some(heard)).await;
            // The relay keeps nothing, so who comes later would never have it.
            if index == 0 && scenario.client == Who::Cowrite {
                client.insert(&SEED.repeat(SEED_TIMES), 0, 1);
                client.accepted().await;
            }
            clients.push(client);
        }
        Desk { name, clients, told }
    }

    fn is_quiet(&self) -> bool {
        let told = self.told.lock().unwrap();
        told.seen.iter().enumerate().all(|(client, seen)| {
            seen.iter().enumerate().all(|(writer, seen)| writer == client || *seen == told.sent[writer].len())
        })
    }

    /// Every client, and one that comes only now, must hold one text with every letter that was typed.
    async fn check(&self, scenario: &Scenario) {
        let mut texts: Vec<String> = self.clients.iter().map(Client::text).collect();
        if scenario.client == Who::Cowrite {
            let user = format!("{}-late", self.name);
            texts.push(Client::open(scenario.client, &scenario.url, &self.name, &user, None).await.text());
        }
        let told = self.told.lock().unwrap();
        let mut wanted = if scenario.client == Who::Cowrite { SEED.repeat(SEED_TIMES) } else { String::new() };
        for (writer, times) in told.sent.iter().enumerate() {
            wanted.extend(std::iter::repeat_n(letter(writer), times.len()));
        }
        let sorted = |text: &str| {
            let mut letters: Vec<char> = text.chars().collect();
            letters.sort_unstable();
            letters
        };
        assert!(texts.iter().all(|text| *text == texts[0]), "{}: the texts differ", self.name);
        assert!(
            sorted(&texts[0]) == sorted(&wanted),
            "{}: {} letters, not {}",
            self.name,
            texts[0].len(),
            wanted.len()
        );
    }
}

impl Told {
    fn hear(&mut self, client: usize, letters: &str) {
        for letter in letters.chars() {
            let Some(writer) = writer_of(letter) else { continue };
            let number = &mut self.seen[client][writer];
            self.latencies.add(self.sent[writer][*number].elapsed());
            *number += 1;
        }
    }
}

/// What this writer types: the alphabet, and then letters from other ones.
fn letter(writer: usize) -> char {
    let number = if writer < 26 { u32::from('a') + writer as u32 } else { 0x100 + writer as u32 - 26 };
    char::from_u32(number).expect("a letter")
}

fn writer_of(letter: char) -> Option<usize> {
    match letter {
        'a'..='z' => Some(letter as usize - 'a' as usize),
        '\u{100}'..='\u{17f}' => Some(letter as usize - 0x100 + 26),
        _ => None,
    }
}

/// What the servers have read and written in messages.
async fn bytes(scenario: &Scenario) -> (f64, f64) {
    let mut sums = (0.0, 0.0);
    if scenario.client == Who::Cowrite {
        for number in 0..=scenario.more_urls.len() {
            let address = scenario.url_of(number).trim_start_matches("ws://").parse().expect("an address");
            let page = Metrics::parse(&get(address, "/metrics").await.expect("/metrics is answered").body);
            let of = |direction| page.value(&format!("cowrite_message_bytes_total{{direction=\"{direction}\"}}"));
            sums.0 += of("in").expect("bytes are counted");
            sums.1 += of("out").expect("bytes are counted");
        }
    }
    sums
}

/// All writers type at the scenario's pace for so long; gives how many letters.
async fn type_for(desks: &mut [Desk], scenario: &Scenario, time: Duration) -> u64 {
    let (begun, writers) = (Instant::now(), scenario.writers);
    let count = desks.len() * writers;
    // Nobody types in the same moment as all others do.
    let mut due: Vec<Instant> =
        (0..count).map(|index| begun + scenario.every() * index as u32 / count as u32).collect();
    let mut edits = 0;
    loop {
        let now = Instant::now();
        if now >= begun + time {
            return edits;
        }
        for (index, due) in due.iter_mut().enumerate().filter(|(_, due)| **due <= now) {
            let (desk, writer) = (&mut desks[index / writers], index % writers);
            if scenario.moves {
                desk.clients[writer].move_caret(edits as u32 % (SEED.len() * SEED_TIMES) as u32);
            } else {
                desk.told.lock().unwrap().sent[writer].push(Instant::now());
                let letter = letter(writer).to_string();
                desk.clients[writer].insert(&letter, writer as u32 + 1, writers as u32);
            }
            *due += scenario.every();
            edits += 1;
        }
        let next = due.iter().min().copied().expect("somebody types");
        tokio::time::sleep_until(next.into()).await;
    }
}

async fn settle(desks: &mut [Desk], scenario: &Scenario) {
    let deadline = Instant::now() + PATIENCE;
    while !desks.iter().all(Desk::is_quiet) {
        assert!(Instant::now() < deadline, "not everybody has every letter");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let writers = desks.iter_mut().flat_map(|desk| desk.clients.iter_mut().take(scenario.writers));
    join_all(writers.map(Client::accepted)).await;
}
