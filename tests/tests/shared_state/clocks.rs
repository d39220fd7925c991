//! The machines' clocks jump, and differ.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use cowrite_client::LinkState;
use cowrite_client::native::{DocumentClient, NativeClient, NativeSettings};
use cowrite_protocol::frame::Code;
use cowrite_protocol::operation::Operation;
use cowrite_server::auth::AuthSettings;
use cowrite_server::oplog::WallClock;
use cowrite_server::redis::RedisSettings;
use cowrite_server::server::Server;
use cowrite_server::settings::{FrontDoor, Settings, Storage};
use cowrite_tests::raw::RawClient;
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::{SECRET, mint_for};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(20);
const HOUR: i64 = 3_600;
const NOTES: &[(&str, &str)] = &[("notes", "editor")];

/// A server of this process, whose clock is wrong by so many seconds.
struct Skewed {
    address: std::net::SocketAddr,
    wrong_by: Arc<AtomicI64>,
    running: JoinHandle<()>,
}

impl Skewed {
    fn start(redis: &RedisProcess) -> Skewed {
        let wrong_by = Arc::new(AtomicI64::new(0));
        let read = wrong_by.clone();
        let system = WallClock::system();
        let clock =
            WallClock::from_fn(move || system.now_ms().saturating_add_signed(read.load(Ordering::Relaxed) * 1_000));
        let auth = AuthSettings { secrets: vec![SECRET.parse().unwrap()], ..AuthSettings::default() };
        let settings = Settings {
            listen: ([127, 0, 0, 1], 0).into(),
            storage: Storage::Redis(Box::new(RedisSettings::new(redis.url().parse().unwrap()))),
            front_door: FrontDoor::Tokens(Box::new(auth)),
            clock,
            ..Settings::default()
        };
        let server = Server::bind(settings).unwrap();
        let address = server.address();
        Skewed { address, wrong_by, running: tokio::spawn(server.run(std::future::pending())) }
    }

    fn jumps(&self, seconds: i64) {
        self.wrong_by.store(seconds, Ordering::Relaxed);
    }

    async fn person(&self, name: &str) -> (NativeClient, DocumentClient) {
        let url = format!("ws://{}/v1/socket", self.address);
        let token = mint_for(name, NOTES, Duration::from_secs(600));
        let client = NativeClient::connect(&url, token.as_str(), NativeSettings::default()).unwrap();
        let document = client.open("notes".parse().unwrap(), "").unwrap();
        timeout(PATIENCE, document.opened()).await.unwrap().unwrap();
        (client, document)
    }

    /// What somebody is told who comes with a token of so many seconds.
    async fn lets_in(&self, seconds: u64) -> Option<Code> {
        let token = mint_for("late", NOTES, Duration::from_secs(seconds));
        let mut client = RawClient::connect(self.address).await;
        client.say(&[cowrite_tests::raw::hello(&token)]).await;
        client
            .hear(|frame| match frame {
                cowrite_protocol::frame::ServerFrame::Welcome(_) => Some(None),
                cowrite_protocol::frame::ServerFrame::Error { code, .. } => Some(Some(*code)),
                _ => None,
            })
            .await
    }
}

impl Drop for Skewed {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// All type for a while; everything is accepted and arrives, and nobody loses the connection.
async fn all_goes_on(people: &[(NativeClient, DocumentClient)]) {
    let mut links: Vec<_> = people.iter().map(|(client, _)| client.link()).collect();
    links.iter_mut().for_each(|link| _ = link.borrow_and_update());
    for _ in 0..20 {
        for (_, document) in people {
            document.edit(&Operation::builder().insert("x").build()).unwrap();
        }
        sleep(Duration::from_millis(50)).await;
    }
    for (_, document) in people {
        timeout(PATIENCE, document.wait_until(|status| status.pending == 0)).await.unwrap().unwrap();
    }
    let version = people.iter().map(|(_, document)| document.status().version).max().unwrap();
    for (_, document) in people {
        timeout(PATIENCE, document.wait_until(|status| status.version >= version)).await.unwrap().unwrap();
        assert_eq!(document.text(), people[0].1.text());
        assert_eq!(document.members().len(), people.len(), "everybody is here");
    }
    for link in &mut links {
        assert!(!link.has_changed().unwrap() && *link.borrow() == LinkState::Online, "{:?}", *link.borrow());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h1_clocks_that_jump_by_an_hour_change_who_is_let_in_and_nothing_else() {
    let redis = RedisProcess::start(&[]);
    let (one, two) = (Skewed::start(&redis), Skewed::start(&redis));
    let people = [one.person("ada").await, one.person("ben").await, two.person("cleo").await, two.person("dan").await];
    all_goes_on(&people).await;
    for (ahead, behind) in [(HOUR, -HOUR), (-HOUR, HOUR), (0, 0)] {
        // Two hours lie between them.
        one.jumps(ahead);
        two.jumps(behind);
        all_goes_on(&people).await;
        let told = [one.lets_in(60).await, two.lets_in(60).await];
        let of = |skew: i64| match skew {
            HOUR => Some(Code::TokenExpired),
            0 => None,
            // It was issued in what is the future there.
            _ => Some(Code::Unauthorized),
        };
        assert_eq!(told, [of(ahead), of(behind)]);
    }
    // Clocks that are a little wrong, as clocks are, keep nobody out, however short a token.
    one.jumps(25);
    two.jumps(-25);
    assert_eq!([one.lets_in(10).await, two.lets_in(10).await], [None, None]);
    all_goes_on(&people).await;
}
