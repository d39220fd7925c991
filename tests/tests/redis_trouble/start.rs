//! A Redis that cannot keep the promise is refused at the start, with the reason.

use cowrite_tests::process::free_port;
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::relay::{Relay, Then};
use cowrite_tests::server::{ServerProcess, start_in_vain};

use crate::stage::{PATIENCE, Stage, few};

/// A server does not start on it, and says each of these.
fn refused(url: &str, more: &[&str], reasons: &[&str]) {
    let port = format!("127.0.0.1:{}", free_port());
    let ended = start_in_vain(&[&["--dev", "--listen", &port, "--redis", url], more].concat());
    assert!(!matches!(ended.code, Some(0) | None), "{ended:?}");
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(!said.contains("listening on"), "{said}");
    for reason in reasons {
        assert!(said.contains(reason), "{reason} is not said: {said}");
    }
}

#[test]
fn c20_a_redis_that_throws_documents_away_is_refused() {
    let redis = RedisProcess::start(&["maxmemory-policy allkeys-lru"]);
    refused(&redis.url(), &[], &["maxmemory-policy allkeys-lru", "noeviction"]);
    redis.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    drop(ServerProcess::on_redis(&redis.url(), &[]));
}

#[test]
fn c20_a_redis_that_is_too_old_is_refused() {
    let redis = RedisProcess::start(&[]);
    let relay = Relay::to_redis(redis.address());
    let info = redis.text(&["INFO"]);
    let found = redis.info("redis_version").unwrap();
    let old = info.replace(&format!("redis_version:{found}"), "redis_version:6.2.14");
    let _caught = relay.catch(b"$4\r\nINFO\r\n", Then::Answer(format!("${}\r\n{old}\r\n", old.len()).into_bytes()));
    refused(&format!("redis://{}", relay.address()), &[], &["6.2.14", "7 or newer"]);
}

#[test]
fn c20_a_replica_is_refused() {
    let (primary, replica) = (RedisProcess::start(&[]), RedisProcess::start(&[]));
    replica.replicate(primary.address());
    refused(&replica.url(), &[], &["replica", "primary"]);
}

#[test]
fn a_redis_that_is_not_there_is_refused() {
    refused(&format!("redis://127.0.0.1:{}", free_port()), &[], &["cannot be reached"]);
}

#[test]
fn a_promise_that_redis_does_not_keep_is_refused() {
    let redis = RedisProcess::start(&[]);
    refused(&redis.url(), &["--redis-durability", "disk"], &["durability `disk`", "appendonly yes"]);
    let redis = RedisProcess::start(&["appendonly yes", "appendfsync everysec"]);
    refused(&redis.url(), &["--redis-durability", "disk"], &["durability `disk`", "appendfsync everysec", "always"]);
}

#[test]
fn c20_each_right_that_is_needed_is_asked_for_at_the_start() {
    let redis = RedisProcess::start(&[]);
    let all = ["reset", "on", ">secret", "~cowrite:*", "&cowrite:*", "+@all"];
    let url = format!("redis://ann:secret@{}", redis.address());
    let user = |more: &[&str]| {
        redis.command(&[&["ACL", "SETUSER", "ann"], &all[..], more].concat());
    };
    user(&[]);
    drop(ServerProcess::on_redis(&url, &[]));
    let needed = [
        "xadd",
        "xrange",
        "xrevrange",
        "xtrim",
        "hset",
        "hget",
        "hmget",
        "hgetall",
        "hdel",
        "hscan",
        "get",
        "set",
        "exists",
        "rename",
        "time",
        "memory|usage",
        "eval",
        "evalsha",
        "script|load",
        "spublish",
        "ssubscribe",
        "sunsubscribe",
        "info",
    ];
    for missing in needed {
        user(&[&format!("-{missing}")]);
        refused(&url, &[], &["allow ~cowrite:*", missing]);
    }
    user(&[]);
    redis.command(&["ACL", "SETUSER", "ann", "resetkeys", "~other:*"]);
    refused(&url, &[], &["allow ~cowrite:*"]);
    // Redis lets nobody at a channel that is not his, and says no more than that.
    user(&["resetchannels", "&other:*"]);
    refused(&url, &[], &["&cowrite:*"]);
    let wrong = format!("redis://ann:wrong@{}", redis.address());
    refused(&wrong, &[], &[]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c20_two_deployments_share_one_redis_and_know_nothing_of_each_other() {
    let redis = RedisProcess::start(&[]);
    let address = redis.address();
    let mut one = Stage::over(redis, &[]).await;
    // The same names of documents, the same Redis, another prefix.
    let second = ["--redis-prefix", "second"];
    let servers: Vec<_> = (0..2).map(|_| ServerProcess::on_redis(&format!("redis://{address}"), &second)).collect();
    let addresses: Vec<_> = servers.iter().map(ServerProcess::address).collect();
    let mut crowd = cowrite_tests::crowd::Crowd::gather(&addresses, few()).await;
    crowd.start_typing();
    crowd.brace().await;
    one.crowd.brace().await;
    crowd.release_by_cut();
    one.crowd.release_by_cut();
    crowd.until_accepted(50, PATIENCE).await;
    crowd.settle(PATIENCE).await.unwrap();
    crowd.check(cowrite_tests::crowd::Loss::Never).await.unwrap();
    one.end_well().await;
    // Asked once: a lease that ends by itself between two questions would be counted in one of them alone.
    let keys = one.redis.command(&["KEYS", "*"]);
    let keys: Vec<String> = redis::from_redis_value(keys).unwrap();
    let count = |prefix: &str| keys.iter().filter(|key| key.starts_with(prefix)).count();
    let (first, second) = (count("cowrite:"), count("second:"));
    assert!(first > 3 && second > 3 && first + second == keys.len(), "{first} + {second} of {keys:?}");
}
