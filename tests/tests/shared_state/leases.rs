//! Leases over several servers, and what befalls servers and Redis.

use std::process::Command;
use std::time::{Duration, Instant};

use cowrite_server::leases::{Lease, LeaseRefused, LeaseSettings, Leases, RedisLeases};
use cowrite_tests::process::Process;
use cowrite_tests::redis::RedisProcess;
use futures_util::future::join_all;

use super::stage::{Place, log, until, user};

/// Of servers that are tested: a tenth of the real one.
const EXPIRY: Duration = Duration::from_secs(3);

fn brief() -> LeaseSettings {
    LeaseSettings { expiry: EXPIRY, renew_every: EXPIRY / 3, ..LeaseSettings::default() }
}

fn server(redis: &RedisProcess) -> RedisLeases {
    log(&redis.url(), "cowrite").leases(brief())
}

/// A server process that holds so many of Ada's.
fn holder(redis: &RedisProcess, count: u32) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hold_leases"));
    command.args([&redis.url(), "ada", &count.to_string(), &EXPIRY.as_millis().to_string()]);
    let process = Process::start(command);
    let said = process.stdout().wait_for(Duration::from_secs(20), |line| line.starts_with("holds").then_some(()));
    assert!(said.is_some(), "{}", process.log().text());
    process
}

/// How many leases Redis holds that have not ended; of one user.
fn alive(redis: &RedisProcess) -> u32 {
    let script = "local now, key = redis.call('TIME'), redis.call('KEYS', '*:connections:*')[1]
        return key and redis.call('ZCOUNT', key, '(' .. now[1] * 1000 + math.floor(now[2] / 1000), '+inf') or 0";
    redis.text(&["EVAL", script, "0"]).parse().unwrap()
}

async fn take_all(leases: &RedisLeases, limit: u32) -> (Vec<Lease>, LeaseRefused) {
    let mut held = Vec::new();
    loop {
        match leases.take(&user("ada"), limit).await {
            Ok(lease) => held.push(lease),
            Err(refused) => return (held, refused),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f5_two_servers_count_together_exactly() {
    for place in [Place::single(), Place::cluster()] {
        let servers = [place.log().leases(brief()), place.log().leases(brief())];
        let asked = (0..60).map(async |number| servers[number % 2].take(&user("ada"), 10).await);
        let taken: Vec<Lease> = join_all(asked).await.into_iter().flatten().collect();
        assert_eq!(taken.len(), 10);
        // Renewed, they are still there when unrenewed ones would have ended.
        let start = Instant::now();
        while start.elapsed() < EXPIRY + EXPIRY / 2 {
            for server in &servers {
                assert!(server.take(&user("ada"), 10).await.is_err(), "after {:?}", start.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn f5_a_killed_server_gives_back_what_it_held() {
    let redis = RedisProcess::start(&[]);
    let other = server(&redis);
    let mut killed = holder(&redis, 8);
    let (held, refused) = take_all(&other, 10).await;
    assert_eq!(held.len(), 2);
    assert!(matches!(refused, LeaseRefused::Full { limit: 10, .. }));
    killed.kill_9();
    let start = Instant::now();
    let LeaseRefused::Full { retry_after_ms, .. } = take_all(&other, 10).await.1 else { panic!("not full") };
    assert!(Duration::from_millis(retry_after_ms.into()) <= EXPIRY, "{retry_after_ms}");
    let mut all = Vec::new();
    let healed = until("all ten are Ada's", async || {
        all.extend(other.take(&user("ada"), 10).await);
        all.len() == 8
    })
    .await;
    println!("healed {healed:?} after the kill; the expiry is {EXPIRY:?}, the refusal said {retry_after_ms} ms");
    assert!(start.elapsed() < EXPIRY + Duration::from_millis(500), "{healed:?}");
    assert!(healed + Duration::from_millis(100) >= Duration::from_millis(retry_after_ms.into()), "said too much");
    assert!(other.take(&user("ada"), 10).await.is_err());
    // Nothing is left in Redis once nobody is connected.
    drop((held, all));
    until("no key is left", async || redis.text(&["DBSIZE"]) == "0").await;
}

/// What was granted stays granted: the user is over the limit until some have left.
#[tokio::test]
async fn a_server_that_stood_still_takes_its_leases_back() {
    let redis = RedisProcess::start(&[]);
    let other = server(&redis);
    let frozen = holder(&redis, 8);
    frozen.freeze();
    let mut held = Vec::new();
    until("its leases end", async || {
        held.extend(other.take(&user("ada"), 10).await);
        held.len() == 10
    })
    .await;
    frozen.thaw();
    until("it has taken them back", async || alive(&redis) == 18).await;
    held.truncate(3);
    until("seven are given back", async || alive(&redis) == 11).await;
    assert!(other.take(&user("ada"), 10).await.is_err(), "there are eleven");
    held.truncate(1);
    until("two more are", async || alive(&redis) == 9).await;
    assert!(other.take(&user("ada"), 10).await.is_ok());
    drop(frozen);
}

#[tokio::test]
async fn without_redis_each_server_counts_alone_and_nobody_waits_long() {
    let mut redis = RedisProcess::start(&[]);
    let (one, two) = (server(&redis), server(&redis));
    let first = one.take(&user("ada"), 3).await.unwrap();
    for silent in [true, false] {
        if silent {
            redis.freeze()
        } else {
            redis.kill_9()
        }
        let start = Instant::now();
        let (of_one, refused) = take_all(&one, 3).await;
        assert!(matches!(refused, LeaseRefused::Full { limit: 3, .. }), "{refused:?}");
        assert_eq!(of_one.len(), 2);
        let each = start.elapsed() / 3;
        println!("silent {silent}: {each:?} each");
        assert!(each < Duration::from_millis(1_300), "{each:?}");
        let (of_two, _) = take_all(&two, 3).await;
        assert_eq!(of_two.len(), 3);
        if silent {
            redis.thaw()
        } else {
            redis.restart()
        }
        // Redis hears of all, also when it has forgotten everything; nobody gets another.
        until("Redis has all six", async || alive(&redis) == 6).await;
        assert!(one.take(&user("ada"), 3).await.is_err());
        drop((of_one, of_two));
        until("only the first is left", async || alive(&redis) == 1).await;
    }
    drop(first);
}

#[tokio::test]
async fn thousands_are_renewed_in_a_few_commands() {
    let redis = RedisProcess::start(&[]);
    let leases = server(&redis);
    let users: Vec<_> = (0..5_000).map(|number| user(&format!("user-{number}"))).collect();
    let held: Vec<_> = join_all(users.iter().map(|user| leases.take(user, 1))).await;
    assert!(held.iter().all(Result::is_ok));
    let calls = || -> u64 {
        let stats = redis.info("cmdstat_evalsha").unwrap();
        stats.split(['=', ',']).nth(1).unwrap().parse().unwrap()
    };
    let (before, start) = (calls(), Instant::now());
    tokio::time::sleep(EXPIRY + EXPIRY / 2).await;
    let (during, times) = (calls() - before, start.elapsed().as_secs_f64() / (EXPIRY / 3).as_secs_f64());
    println!("{during} commands for {times:.1} renewals of 5,000 leases");
    // So many rounds begin meanwhile at most, and one may have been under way.
    assert!(during as f64 <= 64.0 * (times.ceil() + 1.0), "{during}");
    assert!(leases.take(&users[4_999], 1).await.is_err(), "it was renewed");
}
