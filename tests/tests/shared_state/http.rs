//! `/v1/revocations`, asked by the application's servers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use cowrite_client::native::{NativeClient, NativeSettings};
use cowrite_protocol::operation::Operation;
use cowrite_server::auth::ApiKey;
use cowrite_server::redis::RedisSettings;
use cowrite_server::server::Server;
use cowrite_server::settings::{FrontDoor, Settings, Storage};
use cowrite_tests::process::Place;
use cowrite_tests::redis::RedisProcess;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::stage::until;

pub(crate) const KEY: &str = "0123456789abcdef-key";

/// A server that ends when this is dropped.
struct Running {
    address: SocketAddr,
    end: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

impl Running {
    fn start(storage: Storage, api_key: Option<&str>) -> Running {
        let api_key = api_key.map(|key| key.parse::<ApiKey>().unwrap());
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = Settings { listen, storage, api_key, front_door: FrontDoor::Developer, ..Settings::default() };
        let server = Server::bind(settings).unwrap();
        let address = server.address();
        let (end, ended) = oneshot::channel::<()>();
        let task = tokio::spawn(server.run(async { drop(ended.await) }));
        Running { address, end: Some(end), task: Some(task) }
    }

    async fn stop(mut self) {
        self.end = None;
        if let Some(task) = self.task.take() {
            task.await.unwrap();
        }
    }

    async fn post(&self, body: &Value) -> (u16, Value) {
        self.ask("POST", Some(KEY), &body.to_string()).await
    }

    async fn list(&self) -> Vec<Value> {
        let (status, list) = self.ask("GET", Some(KEY), "").await;
        assert_eq!(status, 200, "{list}");
        list["revocations"].as_array().unwrap().clone()
    }

    async fn ask(&self, method: &str, key: Option<&str>, body: &str) -> (u16, Value) {
        ask(self.address, method, key, body).await
    }
}

/// Asks a server for `/v1/revocations`; the status, and the JSON that is answered.
pub(crate) async fn ask(address: SocketAddr, method: &str, key: Option<&str>, body: &str) -> (u16, Value) {
    ask_for(address, "/v1/revocations", method, key, body).await
}

async fn ask_for(address: SocketAddr, path: &str, method: &str, key: Option<&str>, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let key = key.map(|key| format!("authorization: Bearer {key}\r\n")).unwrap_or_default();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{key}content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await;
    read.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_else(|_| panic!("{answer}")))
}

fn over(redis: &RedisProcess) -> Storage {
    Storage::Redis(Box::new(RedisSettings::new(redis.url().parse().unwrap())))
}

#[tokio::test]
async fn only_the_api_key_opens_it() {
    let server = Running::start(Storage::Memory, Some(KEY));
    let ada = json!({ "user": "ada" }).to_string();
    for key in [None, Some(""), Some("0123456789abcdef-kez"), Some("dev:ada")] {
        for method in ["POST", "GET"] {
            assert_eq!(server.ask(method, key, &ada).await.0, 401, "{method} {key:?}");
        }
    }
    assert!(server.list().await.is_empty());
    let (status, answer) = server.post(&json!({ "user": "ada" })).await;
    assert_eq!((status, &answer["effective_within_ms"]), (200, &json!(0)), "{answer}");
    let whole = json!({ "user": "ada", "document": "notes", "token": "t-1", "issued_before": 1_700_000_000 });
    assert_eq!(server.post(&whole).await.0, 200);
    assert_eq!(server.list().await.len(), 2);
    for bad in [json!({}), json!({ "user": "ada", "document": "../x" }), json!({ "user": "ada", "more": 1 })] {
        assert_eq!(server.post(&bad).await.0, 400, "{bad}");
    }
    let long = json!({ "user": "ada", "token": "x".repeat(5_000) });
    assert_eq!(server.post(&long).await.0, 413);
    assert_eq!(server.list().await.len(), 2);
    server.stop().await;
    let keyless = Running::start(Storage::Memory, None);
    for key in [None, Some(KEY), Some("")] {
        assert_eq!(keyless.ask("POST", key, &ada).await.0, 404);
    }
    keyless.stop().await;
}

#[tokio::test]
async fn what_is_answered_survives_the_server() {
    let place = Place::new();
    let start = || Running::start(Storage::Folder(place.folder().to_owned()), Some(KEY));
    let server = start();
    assert_eq!(server.post(&json!({ "user": "ada" })).await.0, 200);
    let list = server.list().await;
    server.stop().await;
    let server = start();
    assert_eq!(server.list().await, list);
    server.stop().await;
}

#[tokio::test]
async fn one_server_is_asked_and_all_know() {
    let mut redis = RedisProcess::on_disk(&[]);
    let (one, two) = (Running::start(over(&redis), Some(KEY)), Running::start(over(&redis), Some(KEY)));
    let start = Instant::now();
    let (status, answer) = one.post(&json!({ "user": "ada", "document": "notes" })).await;
    assert_eq!((status, &answer["effective_within_ms"]), (200, &json!(1_000)), "{answer}");
    until("the other lists it", async || two.list().await.len() == 1).await;
    println!("over HTTP: {:?} from asked to listed elsewhere", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(1));
    redis.kill_9();
    let (status, answer) = two.post(&json!({ "user": "bob" })).await;
    assert_eq!(status, 503, "{answer}");
    assert_eq!(two.list().await.len(), 1, "what is known is listed without Redis");
    redis.restart();
    until("it is taken again", async || two.post(&json!({ "user": "bob" })).await.0 == 200).await;
    until("the other lists it", async || one.list().await.len() == 2).await;
    one.stop().await;
    two.stop().await;
}

/// Somebody types this, and goes.
async fn type_text(server: &Running, document: &str, text: &str) -> Result<(), String> {
    let url = format!("ws://{}/v1/socket", server.address);
    let client = NativeClient::connect(&url, "dev:ada", NativeSettings::default()).unwrap();
    let document = client.open(document.parse().unwrap(), "").unwrap();
    document.opened().await.unwrap();
    let edit = document.edit(&Operation::builder().insert(text).build()).unwrap();
    let accepted = tokio::time::timeout(Duration::from_secs(10), document.when_accepted(edit)).await.unwrap();
    accepted.map(drop).map_err(|error| error.to_string())
}

/// Deletes, asks, writes, makes anew, on whatever storage; and again after the server has been started anew.
async fn delete_and_make_anew(start: impl Fn() -> Running) {
    const PATH: &str = "/v1/documents/notes";
    let server = start();
    type_text(&server, "notes", "secret").await.unwrap();
    for key in [None, Some(""), Some("dev:ada")] {
        assert_eq!(ask_for(server.address, PATH, "DELETE", key, "").await.0, 401, "{key:?}");
    }
    assert_eq!(ask_for(server.address, "/v1/documents/..", "DELETE", Some(KEY), "").await.0, 400);
    let (status, answer) = ask_for(server.address, PATH, "DELETE", Some(KEY), "").await;
    assert_eq!((status, &answer["deleted"], &answer["version"]), (200, &json!(true), &json!(4)), "{answer}");
    server.stop().await;
    let server = start();
    assert_eq!(ask_for(server.address, PATH, "GET", Some("dev:ada"), "").await, (410, json!({ "error": "deleted" })));
    let refused = type_text(&server, "notes", "back again").await.unwrap_err();
    assert!(refused.contains("deleted"), "{refused}");
    assert_eq!(
        ask_for(server.address, PATH, "DELETE", Some(KEY), "").await,
        (200, answer),
        "it is the same to ask twice"
    );
    let (status, answer) = ask_for(server.address, PATH, "PUT", Some(KEY), "").await;
    assert_eq!((status, &answer["deleted"]), (200, &json!(false)), "{answer}");
    type_text(&server, "notes", "anew").await.unwrap();
    server.stop().await;
    let server = start();
    let (status, answer) = ask_for(server.address, PATH, "GET", Some("dev:ada"), "").await;
    assert_eq!((status, &answer["content"]), (200, &json!({ "ops": [{ "insert": "anew" }] })), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn h4_a_document_is_deleted_and_made_anew_on_disk() {
    let place = Place::new();
    delete_and_make_anew(|| Running::start(Storage::Folder(place.folder().to_owned()), Some(KEY))).await;
}

#[tokio::test]
async fn h4_a_document_is_deleted_and_made_anew_in_redis_and_nothing_of_it_is_left_there() {
    let redis = RedisProcess::start(&[]);
    let server = Running::start(over(&redis), Some(KEY));
    type_text(&server, "other", "secret of another").await.unwrap();
    type_text(&server, "gone", "secret").await.unwrap();
    assert_eq!(ask_for(server.address, "/v1/documents/gone", "DELETE", Some(KEY), "").await.0, 200);
    server.stop().await;
    let mut connection = redis.connection().unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*gone*").query(&mut connection).unwrap();
    assert!(!keys.is_empty());
    for key in keys {
        let dump: Vec<u8> = redis::cmd("DUMP").arg(&key).query(&mut connection).unwrap();
        assert!(!dump.windows(6).any(|bytes| bytes == b"secret"), "{key}");
    }
    delete_and_make_anew(|| Running::start(over(&redis), Some(KEY))).await;
}
