//! What the nodes of a cluster have counted.

use cowrite_tests::redis::RedisCluster;

/// How often a command was asked for at each node, also in vain.
pub(crate) fn calls(cluster: &RedisCluster, command: &str) -> Vec<u64> {
    each(cluster, &format!("cmdstat_{command}"), &["calls", "rejected_calls"])
}

/// How often each node has answered with this error.
pub(crate) fn errors(cluster: &RedisCluster, code: &str) -> Vec<u64> {
    each(cluster, &format!("errorstat_{code}"), &["count"])
}

fn each(cluster: &RedisCluster, field: &str, counted: &[&str]) -> Vec<u64> {
    let count = |line: String| {
        let pairs = line.split(',').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(name, _)| counted.contains(name)).map(|(_, count)| count.parse::<u64>().unwrap()).sum()
    };
    cluster.nodes().iter().map(|node| node.info(field).map_or(0, count)).collect()
}
