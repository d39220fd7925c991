//! Who is here, where a document is open at three servers.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cowrite_client::native::{DocumentClient, NativeClient, NativeSettings};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::ServerProcess;
use tokio::time::sleep;

/// Who comes or goes in order is seen by all this soon.
const SOON: Duration = Duration::from_secs(3);

/// Who goes without a word, because the server was killed, is gone after this time.
const EXPIRY: Duration = Duration::from_secs(30);

struct Visitor {
    server: usize,
    name: String,
    _client: NativeClient,
    document: DocumentClient,
}

impl Visitor {
    async fn come(number: usize, server: usize, url: &str) -> Visitor {
        let name = format!("v{number}");
        let client = NativeClient::connect(url, format!("dev:{name}").as_str(), NativeSettings::default()).unwrap();
        let document = client.open("lobby".parse().unwrap(), "").unwrap();
        document.opened().await.unwrap();
        Visitor { server, name, _client: client, document }
    }

    fn sees(&self) -> Vec<String> {
        let mut members: Vec<_> = self.document.members().iter().map(|member| member.member.user.to_string()).collect();
        members.sort();
        members
    }
}

/// Waits until each of these sees exactly these.
async fn until_all_see(visitors: &[Visitor], patience: Duration) {
    let here: Vec<String> =
        visitors.iter().map(|visitor| visitor.name.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let start = Instant::now();
    while let Some(other) = visitors.iter().find(|visitor| visitor.sees() != here) {
        let late = start.elapsed() > patience;
        assert!(!late, "{} sees {:?} after {patience:?}, and here are {here:?}", other.name, other.sees());
        sleep(Duration::from_millis(20)).await;
    }
    println!("{} see each other after {:?}", here.len(), start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_seen_from_every_server_and_who_is_gone_is_not() {
    let redis = RedisProcess::start(&[]);
    let mut servers: Vec<_> = (0..3).map(|_| ServerProcess::on_redis(&redis.url(), &[])).collect();
    let mut visitors = Vec::new();
    for number in 0..12 {
        visitors.push(Visitor::come(number, number % 3, &servers[number % 3].url()).await);
    }
    until_all_see(&visitors, SOON).await;
    // One of each server leaves in order.
    visitors.drain(..3).for_each(drop);
    until_all_see(&visitors, SOON).await;
    servers[2].kill_9();
    visitors.retain(|visitor| visitor.server != 2);
    // Not before: those of a server that is only slow are not taken away and brought back.
    until_all_see(&visitors, EXPIRY + SOON).await;
    // It comes back with others.
    servers[2].restart();
    for number in 20..23 {
        visitors.push(Visitor::come(number, 2, &servers[2].url()).await);
    }
    until_all_see(&visitors, SOON).await;
}
