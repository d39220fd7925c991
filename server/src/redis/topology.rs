//! Which server to ask: the only one, or the master of a slot.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::{Cmd, ConnectionAddr, Value};

use super::node::Node;
use super::script::Script;
use super::settings::{RedisSettings, RedisUrl};
use super::slots::{SlotMap, slot_of};
use super::trouble::Trouble;

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeAddress {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// The servers and which slot is whose. Clones share it.
#[derive(Clone)]
pub(crate) struct Topology(Arc<Shared>);

struct Shared {
    settings: Arc<RedisSettings>,
    seed: NodeAddress,
    state: Mutex<State>,
    refreshing: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Default)]
struct State {
    nodes: HashMap<NodeAddress, Arc<Node>>,
    layout: Layout,
}

#[derive(Clone, Debug, Default)]
enum Layout {
    /// Nobody was asked yet.
    #[default]
    Unknown,
    /// One server has everything.
    Single,
    Cluster(Arc<SlotMap>),
}

/// Where something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At the server of the slot.
    Own,
    /// At the server that the slot is being moved to.
    New,
}

/// How often one request follows a slot that moves.
pub(super) const REDIRECTS: u32 = 8;

/// Waits between two attempts at something that passes.
const PAUSE: Duration = Duration::from_millis(25);

/// The slots are not asked for more often than this.
const REFRESH_EVERY: Duration = Duration::from_millis(100);

impl Topology {
    pub(crate) fn new(settings: Arc<RedisSettings>) -> Topology {
        let seed = NodeAddress::of(&settings.url);
        Topology(Arc::new(Shared { settings, seed, state: Mutex::default(), refreshing: Default::default() }))
    }

    pub(crate) fn settings(&self) -> &RedisSettings {
        &self.0.settings
    }

    /// Runs a script for a slot, wherever that is; loads it where it is not known.
    pub(crate) async fn run(&self, slot: u16, script: &Script, call: &Cmd) -> Result<Value, Trouble> {
        self.follow(slot, call, Some(script)).await.map(|(value, _)| value)
    }

    /// As [`Topology::run`]. While a slot moves, the script may run at its new place already
    /// and publish there, though whoever listens can do so at the old place only: there
    /// `tell` is sent then. Nothing waits for it.
    pub(crate) async fn run_and_tell(
        &self,
        slot: u16,
        script: &Script,
        call: &Cmd,
        tell: impl FnOnce() -> Cmd,
    ) -> Result<Value, Trouble> {
        let (value, place) = self.follow(slot, call, Some(script)).await?;
        if place == Place::New {
            let (topology, tell) = (self.clone(), tell());
            tokio::spawn(async move {
                if let Ok(old) = topology.node_of(slot).await {
                    // If the slot has moved meanwhile, they have noticed.
                    let _ = old.request(&tell).await;
                }
            });
        }
        Ok(value)
    }

    /// Asks something that may be done twice, so a lost answer is asked for once more.
    pub(crate) async fn ask(&self, slot: u16, script: Option<&Script>, command: &Cmd) -> Result<Value, Trouble> {
        let answer = match self.follow(slot, command, script).await {
            Err(Trouble::Lost { .. }) => self.follow(slot, command, script).await,
            answer => answer,
        };
        answer.map(|(value, _)| value)
    }

    async fn follow(&self, slot: u16, command: &Cmd, script: Option<&Script>) -> Result<(Value, Place), Trouble> {
        let deadline = Instant::now() + self.settings().retry_for;
        let (mut asking, mut redirects) = (None, 0);
        loop {
            let answer = match asking.take() {
                Some(node) => self.request(&self.node(&node), command, script, Place::New).await,
                None => match self.node_of(slot).await {
                    Ok(node) => self.request(&node, command, script, Place::Own).await,
                    Err(trouble) => Err(trouble),
                },
            };
            let trouble = match answer {
                Ok(answer) => return Ok(answer),
                Err(trouble) => trouble,
            };
            match &trouble {
                Trouble::Moved { slot, to } if redirects < REDIRECTS => {
                    redirects += 1;
                    self.moved(*slot, to.clone());
                }
                Trouble::Ask(node) if redirects < REDIRECTS => {
                    redirects += 1;
                    asking = Some(node.clone());
                }
                // A node that is gone may have been followed by another.
                Trouble::Unreachable { .. } if self.is_cluster() && Instant::now() < deadline => {
                    tokio::time::sleep(PAUSE).await;
                    self.refresh().await;
                }
                passing if passing.passes() && Instant::now() < deadline => {
                    tokio::time::sleep(PAUSE).await;
                    self.refresh().await;
                }
                _ => return Err(trouble),
            }
        }
    }

    async fn request(
        &self,
        node: &Node,
        command: &Cmd,
        script: Option<&Script>,
        place: Place,
    ) -> Result<(Value, Place), Trouble> {
        let once = async || match place {
            Place::Own => node.request(command).await,
            Place::New => node.request_asking(command).await,
        };
        let answer = match (once().await, script) {
            (Err(Trouble::NoScript), Some(script)) => {
                node.request(&script.load()).await?;
                once().await
            }
            (answer, _) => answer,
        };
        answer.map(|value| (value, place))
    }

    /// The server of a slot.
    pub(crate) async fn node_of(&self, slot: u16) -> Result<Arc<Node>, Trouble> {
        let address = self.address_of(slot).await?;
        Ok(self.node(&address))
    }

    /// Where the server of a slot is.
    pub(crate) async fn address_of(&self, slot: u16) -> Result<NodeAddress, Trouble> {
        for _ in 0..2 {
            let layout = self.state().layout.clone();
            match layout {
                Layout::Single => return Ok(self.0.seed.clone()),
                Layout::Cluster(map) => {
                    if let Some(address) = map.master(slot) {
                        return Ok(address.clone());
                    }
                    self.refresh().await;
                }
                Layout::Unknown => self.discover().await?,
            }
        }
        let detail = format!("no server has slot {slot}");
        Err(Trouble::Refused { code: "CLUSTERDOWN".to_owned(), detail })
    }

    /// All servers that are written to, as far as they are known.
    pub(crate) async fn masters(&self) -> Result<Vec<Arc<Node>>, Trouble> {
        self.address_of(0).await?;
        let masters = match self.state().layout.clone() {
            Layout::Cluster(map) => map.masters(),
            _ => vec![self.0.seed.clone()],
        };
        Ok(masters.iter().map(|address| self.node(address)).collect())
    }

    /// Sets a key for a minute at every server that takes writes; in a cluster, one key in a
    /// slot of each.
    pub(crate) async fn write_everywhere(&self, key: &str) -> Result<(), Trouble> {
        let masters = self.masters().await?;
        if masters.is_empty() {
            return Err(Trouble::Refused { code: "CLUSTERDOWN".to_owned(), detail: "no server is known".to_owned() });
        }
        let mut reached = HashSet::new();
        // Some hundred names fall into the slots of every server but one with next to none.
        for number in 0..256 {
            let key = format!("{key}:{number}");
            let node = self.address_of(slot_of(&key)).await?;
            if reached.insert(node) {
                let mut set = redis::cmd("SET");
                set.arg(&key).arg(1).arg("EX").arg(60);
                self.ask(slot_of(&key), None, &set).await?;
            }
            if reached.len() == masters.len() {
                break;
            }
        }
        Ok(())
    }

    /// The connections that there are, by server and number: equal to an earlier answer if
    /// none was made in between.
    pub(crate) fn links(&self) -> Vec<(NodeAddress, u64)> {
        let nodes: Vec<_> =
            self.state().nodes.iter().map(|(address, node)| (address.clone(), Arc::clone(node))).collect();
        let mut links: Vec<_> =
            nodes.into_iter().filter_map(|(address, node)| Some((address, node.link_number()?))).collect();
        links.sort();
        links
    }

    /// A slot is elsewhere from now on.
    pub(crate) fn moved(&self, slot: u16, to: NodeAddress) {
        let mut state = self.state();
        if let Layout::Cluster(map) = &mut state.layout {
            let mut newer = SlotMap::clone(map);
            newer.moved(slot, to);
            *map = Arc::new(newer);
        }
    }

    /// Asks which slot is whose, unless that was just done.
    pub(crate) async fn refresh(&self) {
        let mut last = self.0.refreshing.lock().await;
        if !self.is_cluster() || last.is_some_and(|at| at.elapsed() < REFRESH_EVERY) {
            return;
        }
        let mut known: Vec<_> = self.state().nodes.keys().cloned().collect();
        known.push(self.0.seed.clone());
        for address in known {
            let Ok(answer) = self.node(&address).request(redis::cmd("CLUSTER").arg("SLOTS")).await else { continue };
            if let Some(map) = SlotMap::parse(&answer, &address) {
                let masters = map.masters();
                let mut state = self.state();
                state.nodes.retain(|address, _| masters.contains(address));
                state.layout = Layout::Cluster(Arc::new(map));
                break;
            }
        }
        *last = Some(Instant::now());
    }

    fn is_cluster(&self) -> bool {
        matches!(self.state().layout, Layout::Cluster(_))
    }

    /// Asks whether there is one server or many.
    async fn discover(&self) -> Result<(), Trouble> {
        let answer = self.node(&self.0.seed).request(redis::cmd("INFO").arg("cluster")).await?;
        let text = match answer {
            Value::BulkString(text) => String::from_utf8_lossy(&text).into_owned(),
            Value::VerbatimString { text, .. } => text,
            _ => return Err(Trouble::Nonsense("INFO")),
        };
        if !text.contains("cluster_enabled:1") {
            self.state().layout = Layout::Single;
            return Ok(());
        }
        {
            let mut state = self.state();
            // Who asked at the same time may have found the slots already.
            if matches!(state.layout, Layout::Unknown) {
                state.layout = Layout::Cluster(Arc::default());
            }
        }
        self.refresh().await;
        Ok(())
    }

    fn node(&self, address: &NodeAddress) -> Arc<Node> {
        let mut state = self.state();
        let node = state.nodes.entry(address.clone());
        Arc::clone(node.or_insert_with(|| Arc::new(Node::new(address.clone(), Arc::clone(&self.0.settings)))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whole at every moment: each field is set in one step.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NodeAddress {
    /// Where a URL leads.
    pub(super) fn of(url: &RedisUrl) -> NodeAddress {
        match url.connection().addr() {
            ConnectionAddr::Tcp(host, port) => NodeAddress { host: host.clone(), port: *port },
            other => NodeAddress { host: other.to_string(), port: 0 },
        }
    }

    /// Reads `host:port` as a redirection names it; without a host it is that of `asked`.
    pub(super) fn parse(text: &str, asked: &NodeAddress) -> Option<NodeAddress> {
        let (host, port) = text.rsplit_once(':')?;
        let host = if host.is_empty() { asked.host.clone() } else { host.to_owned() };
        Some(NodeAddress { host, port: port.parse().ok()? })
    }
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
