//! The application, as far as a server asks it: a list of keys, and what users may do.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::routing::{any, get};
use cowrite_tests::process::listen_anywhere;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// A real HTTP server in the test's own process. It ends when it is dropped.
pub(crate) struct Application {
    address: SocketAddr,
    state: Arc<Mutex<Said>>,
    serving: JoinHandle<()>,
}

/// How the application behaves when it is asked for a role.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// It answers by its list: `(user, document)` to a role; nobody else may do anything.
    Right,
    /// It answers exactly this.
    Says(u16, String),
    /// It sends the question elsewhere, where the answer would be yes.
    Redirects,
    /// It answers right, but after so many milliseconds.
    Slow(u64),
}

/// A question that was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

struct Said {
    keys: (u16, String),
    fetches: usize,
    manner: Manner,
    roles: HashMap<(String, String), (&'static str, Option<u64>)>,
    asked: Vec<Asked>,
}

impl Application {
    /// Starts one that publishes no keys and lets nobody in.
    pub(crate) fn start() -> Application {
        let state = Arc::new(Mutex::new(Said {
            keys: (404, String::new()),
            fetches: 0,
            manner: Manner::Right,
            roles: HashMap::new(),
            asked: Vec::new(),
        }));
        let router = Router::new()
            .route("/keys", get(keys))
            .route("/access", any(access))
            .route("/yes", any(yes))
            .with_state(Arc::clone(&state));
        let listener = listen_anywhere();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Application { address, state, serving }
    }

    /// The address of a page of it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on it publishes these keys.
    pub(crate) fn publishes(&self, keys: &[Value]) {
        self.lock().keys = (200, json!({ "keys": keys }).to_string());
    }

    /// From now on this is what is at the address of the keys.
    pub(crate) fn publishes_instead(&self, status: u16, body: &str) {
        self.lock().keys = (status, body.to_owned());
    }

    /// How often the keys were fetched.
    pub(crate) fn fetches(&self) -> usize {
        self.lock().fetches
    }

    /// Waits until the keys have been fetched again, twice: the first may have begun before.
    pub(crate) async fn fetched_anew(&self) {
        let (before, deadline) = (self.fetches(), Instant::now() + Duration::from_secs(30));
        while self.fetches() < before + 2 {
            assert!(Instant::now() < deadline, "nobody fetches the keys");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// From now on this user may do so much with a document, `None`: nothing.
    pub(crate) fn grants(&self, user: &str, document: &str, role: Option<&'static str>) {
        self.grants_for(user, document, role, None);
    }

    /// The same, and says for how long.
    pub(crate) fn grants_for(&self, user: &str, document: &str, role: Option<&'static str>, for_ms: Option<u64>) {
        let key = (user.to_owned(), document.to_owned());
        match role {
            Some(role) => drop(self.lock().roles.insert(key, (role, for_ms))),
            None => drop(self.lock().roles.remove(&key)),
        }
    }

    /// From now on it behaves like that.
    pub(crate) fn behaves(&self, manner: Manner) {
        self.lock().manner = manner;
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.lock().asked.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        lock(&self.state)
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock(state: &Mutex<Said>) -> MutexGuard<'_, Said> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn keys(State(state): State<Arc<Mutex<Said>>>) -> Response<Body> {
    let mut said = lock(&state);
    said.fetches += 1;
    answer(said.keys.0, said.keys.1.clone())
}

async fn access(State(state): State<Arc<Mutex<Said>>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    let (manner, right) = {
        let mut said = lock(&state);
        said.asked.push(Asked { headers: parts.headers, body: body.clone() });
        let question: Value = serde_json::from_str(&body).unwrap();
        let text = |name: &str| question[name].as_str().unwrap().to_owned();
        let granted = said.roles.get(&(text("user"), text("document"))).copied();
        let mut right = json!({ "user": question["user"], "document": question["document"] });
        right["role"] = json!(granted.map(|(role, _)| role));
        if let Some(for_ms) = granted.and_then(|(_, for_ms)| for_ms) {
            right["for_ms"] = json!(for_ms);
        }
        (said.manner.clone(), right)
    };
    match manner {
        Manner::Right => answer(200, right.to_string()),
        Manner::Says(status, body) => answer(status, body),
        Manner::Redirects => {
            let mut elsewhere = answer(307, String::new());
            elsewhere.headers_mut().insert(header::LOCATION, "/yes".parse().unwrap());
            elsewhere
        }
        Manner::Slow(ms) => {
            sleep(Duration::from_millis(ms)).await;
            answer(200, right.to_string())
        }
    }
}

async fn yes() -> Response<Body> {
    answer(200, json!({ "user": "ada", "document": "notes", "role": "owner" }).to_string())
}

fn answer(status: u16, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}
