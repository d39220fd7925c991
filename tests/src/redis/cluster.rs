//! Three masters that share the slots.

use std::time::{Duration, Instant};

use redis::{RedisResult, Value};

use super::process::{RedisProcess, reply_text};

/// The slots of a cluster, whatever its size.
const SLOTS: u16 = 16_384;

/// The number of a slot, 0 to 16,383.
pub type Slot = u16;

/// A cluster of three masters, each with a third of the slots. Gone when dropped.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisProcess>,
}

impl RedisCluster {
    /// Starts the three with these settings; waits until each says that all slots are served.
    ///
    /// # Panics
    /// As [`RedisProcess::start`], and if they do not find together within 20 s.
    pub fn start(settings: &[&str]) -> RedisCluster {
        let settings = [&["cluster-enabled yes", "cluster-node-timeout 2000"], settings].concat();
        let nodes: Vec<RedisProcess> = (0..3).map(|_| RedisProcess::start(&settings)).collect();
        let share = SLOTS.div_ceil(3);
        for (number, node) in nodes.iter().enumerate() {
            let first = share * u16::try_from(number).expect("there are three");
            let last = (first + share).min(SLOTS) - 1;
            node.command(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
            // The same at two nodes would be settled in time, but why wait for that.
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
        }
        let cluster = RedisCluster { nodes };
        for node in &cluster.nodes[1..] {
            cluster.meet(node);
        }
        cluster.until_ok();
        cluster
    }

    /// Its nodes.
    pub fn nodes(&self) -> &[RedisProcess] {
        &self.nodes
    }

    /// One of them, to kill and restart.
    pub fn node_mut(&mut self, number: usize) -> &mut RedisProcess {
        &mut self.nodes[number]
    }

    /// The address of one of them, from which clients find the others.
    pub fn url(&self) -> String {
        self.nodes[0].url()
    }

    /// Starts another master without slots; gives its number.
    ///
    /// # Panics
    /// As [`RedisCluster::start`].
    pub fn add_node(&mut self, settings: &[&str]) -> usize {
        let settings = [&["cluster-enabled yes", "cluster-node-timeout 2000"], settings].concat();
        let node = RedisProcess::start(&settings);
        self.meet(&node);
        self.nodes.push(node);
        self.until_ok();
        self.nodes.len() - 1
    }

    /// The slot of a key.
    pub fn slot_of(&self, key: &str) -> Slot {
        self.nodes[0].text(&["CLUSTER", "KEYSLOT", key]).parse().unwrap()
    }

    /// The number of the node that serves a slot, as that node itself says.
    ///
    /// # Panics
    /// If there is none.
    pub fn owner(&self, slot: Slot) -> usize {
        let owner = self.nodes.iter().position(|node| {
            let Ok(shards) = node.try_command(&["CLUSTER", "NODES"]) else { return false };
            let text = reply_text(&shards).unwrap_or_default();
            let own = text.lines().find(|line| line.contains("myself")).unwrap_or_default();
            own.split(' ').skip(8).any(|range| holds(range, slot))
        });
        owner.unwrap_or_else(|| panic!("nobody serves slot {slot}"))
    }

    /// All keys on all nodes.
    pub fn keys(&self) -> Vec<String> {
        let all = self.nodes.iter().map(|node| node.command(&["KEYS", "*"]));
        all.flat_map(|reply| texts(&reply)).collect()
    }

    /// Moves a slot with its keys to another node, one key at a time, while clients go on: a key
    /// that has gone already is asked for with ASK. Does nothing if it is there.
    ///
    /// # Panics
    /// If a step fails.
    pub fn migrate(&self, slot: Slot, to: usize) {
        let from = self.owner(slot);
        if from == to {
            return;
        }
        self.begin_migration(slot, to);
        while self.migrate_key(slot, from, to) {}
        self.end_migration(slot, to);
    }

    /// The first step of a migration: from now on the old owner sends whoever asks for a key that
    /// it does not hold to the new one (ASK).
    ///
    /// # Panics
    /// If a step fails.
    pub fn begin_migration(&self, slot: Slot, to: usize) {
        let from = self.owner(slot);
        let (old, new) = (self.id(from), self.id(to));
        let slot = slot.to_string();
        self.nodes[to].command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &old]);
        self.nodes[from].command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &new]);
    }

    /// The second step: moves one of the keys that are left; false if there is none.
    ///
    /// # Panics
    /// If a step fails.
    pub fn migrate_key(&self, slot: Slot, from: usize, to: usize) -> bool {
        let left = self.nodes[from].command(&["CLUSTER", "GETKEYSINSLOT", &slot.to_string(), "1"]);
        let Some(key) = texts(&left).into_iter().next() else { return false };
        let port = self.nodes[to].address().port().to_string();
        self.nodes[from].command(&["MIGRATE", "127.0.0.1", &port, &key, "0", "5000"]);
        true
    }

    /// The last step: everybody is told who serves the slot now, the new owner first.
    ///
    /// # Panics
    /// If a step fails.
    pub fn end_migration(&self, slot: Slot, to: usize) {
        self.until_newest(to);
        let new = self.id(to);
        let others = (0..self.nodes.len()).filter(|&number| number != to);
        for number in [to].into_iter().chain(others) {
            self.nodes[number].command(&["CLUSTER", "SETSLOT", &slot.to_string(), "NODE", &new]);
        }
    }

    /// Waits until every node says that all slots are served and that it knows all others.
    ///
    /// # Panics
    /// If that takes more than 20 s.
    pub fn until_ok(&self) {
        let count = self.nodes.len().to_string();
        let deadline = Instant::now() + Duration::from_secs(20);
        for node in &self.nodes {
            loop {
                let info: RedisResult<Value> = node.try_command(&["CLUSTER", "INFO"]);
                let info = info.ok().as_ref().and_then(reply_text).unwrap_or_default();
                let says = |line: String| info.lines().any(|said| said.trim() == line);
                if says("cluster_state:ok".to_owned()) && says(format!("cluster_known_nodes:{count}")) {
                    break;
                }
                assert!(Instant::now() < deadline, "the cluster is not well: {info}\n{}", node.log());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// Waits until a node knows of every other's epoch. A node that takes a slot raises its own
    /// above those that it knows; if the giver's is higher nevertheless, what it said before it
    /// gave the slot away takes that back, and each sends clients to the other for ever.
    fn until_newest(&self, number: usize) {
        let epoch = |node: &RedisProcess, field: &str| -> u64 {
            let info = node.text(&["CLUSTER", "INFO"]);
            let value = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
            value.and_then(|value| value.trim().parse().ok()).expect("a cluster has epochs")
        };
        let highest = self.nodes.iter().map(|node| epoch(node, "cluster_my_epoch")).max().unwrap_or_default();
        let start = Instant::now();
        while epoch(&self.nodes[number], "cluster_current_epoch") < highest {
            assert!(start.elapsed() < Duration::from_secs(20), "node {number} never hears of epoch {highest}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn meet(&self, node: &RedisProcess) {
        let first = &self.nodes[0];
        let bus = first.text_of_setting("cluster-port");
        let port = first.address().port().to_string();
        node.command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
    }

    fn id(&self, number: usize) -> String {
        self.nodes[number].text(&["CLUSTER", "MYID"])
    }
}

impl RedisProcess {
    fn text_of_setting(&self, name: &str) -> String {
        let pair = texts(&self.command(&["CONFIG", "GET", name]));
        pair.into_iter().nth(1).unwrap_or_else(|| panic!("there is no setting {name}"))
    }
}

fn texts(reply: &Value) -> Vec<String> {
    match reply {
        Value::Array(items) => items.iter().filter_map(reply_text).collect(),
        Value::Map(pairs) => {
            pairs.iter().flat_map(|(key, value)| [reply_text(key), reply_text(value)]).flatten().collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a range as in `CLUSTER NODES`, such as `5462-10923` or `7`, holds the slot. What is in
/// brackets is on its way and counts as not there.
fn holds(range: &str, slot: Slot) -> bool {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    match (first.parse::<Slot>(), last.parse::<Slot>()) {
        (Ok(first), Ok(last)) => (first..=last).contains(&slot),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::RedisCluster;

    #[test]
    fn a_slot_moves_with_its_keys_and_asks_on_the_way() {
        let cluster = RedisCluster::start(&[]);
        let (one, two) = ("{novel}:a", "{novel}:b");
        let slot = cluster.slot_of(one);
        let from = cluster.owner(slot);
        let to = (from + 1) % 3;
        for key in [one, two] {
            cluster.nodes()[from].command(&["SET", key, "x"]);
        }
        let moved = cluster.nodes()[to].try_command(&["GET", one]).unwrap_err().to_string();
        assert!(moved.to_uppercase().contains("MOVED"), "{moved}");
        cluster.begin_migration(slot, to);
        assert!(cluster.migrate_key(slot, from, to));
        let on_the_way = [one, two].map(|key| cluster.nodes()[from].try_command(&["GET", key]).is_err());
        assert!(on_the_way[0] != on_the_way[1], "one has gone: {on_the_way:?}");
        cluster.migrate(slot, to);
        assert_eq!(cluster.owner(slot), to);
        assert_eq!(cluster.nodes()[to].text(&["GET", one]), "x");
        assert_eq!(cluster.nodes()[to].text(&["GET", two]), "x");
        let mut keys = cluster.keys();
        keys.sort();
        assert_eq!(keys, [one, two]);
    }

    #[test]
    fn another_node_joins_and_takes_a_slot() {
        let mut cluster = RedisCluster::start(&[]);
        let fourth = cluster.add_node(&[]);
        cluster.migrate(7, fourth);
        assert_eq!(cluster.owner(7), fourth);
    }
}
