//! Revocations over several servers, and what befalls Redis.

use std::time::{Duration, Instant};

use cowrite_server::revocations::{RevocationRequest, RevocationSettings, Revocations, RevokeError};
use cowrite_tests::redis::RedisProcess;

use super::stage::{Place, all_of, log, token, until, user};

async fn server(redis: &RedisProcess) -> Revocations {
    let revocations = Revocations::new(log(&redis.url(), "cowrite").revocations(RevocationSettings::default()));
    revocations.ready().await;
    revocations
}

fn is_revoked(revocations: &Revocations, name: &str) -> bool {
    !revocations.check(&token(name, Some(1), None))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_server_revokes_the_others_know_within_a_second() {
    for place in [Place::single(), Place::cluster()] {
        let open = || Revocations::new(place.log().revocations(RevocationSettings::default()));
        let (one, two) = (open(), open());
        tokio::join!(one.ready(), two.ready());
        let mut times = Vec::new();
        for number in 0..20 {
            let name = format!("user-{number}");
            let mut watch = two.watch(&user(&name));
            assert!(two.check(&token(&name, None, None)));
            let start = Instant::now();
            one.revoke(all_of(&name, None)).await.unwrap();
            watch.changed().await;
            times.push(start.elapsed());
            assert!(is_revoked(&two, &name));
        }
        times.sort();
        println!("from asked to known elsewhere: median {:?}, longest {:?}", times[10], times[19]);
        assert!(times[19] < Duration::from_secs(1), "{times:?}");
        assert!(times[19] <= one.effective_within());
        // One that starts later knows all of it before it serves.
        let third = open();
        third.ready().await;
        assert_eq!(third.list(), one.list());
    }
}

#[tokio::test]
async fn while_redis_is_away_nothing_is_said_to_be_revoked_and_nothing_is_forgotten() {
    let mut redis = RedisProcess::on_disk(&[]);
    let (one, two) = (server(&redis).await, server(&redis).await);
    one.revoke(all_of("ada", None)).await.unwrap();
    until("it is known", async || is_revoked(&two, "ada")).await;
    redis.kill_9();
    let refused = one.revoke(all_of("bob", None)).await;
    assert!(matches!(refused, Err(RevokeError::Unavailable { .. })), "{refused:?}");
    assert!(!is_revoked(&one, "bob"));
    assert!(is_revoked(&one, "ada") && is_revoked(&two, "ada"));
    redis.restart();
    until("it is stored", async || one.revoke(all_of("bob", None)).await.is_ok()).await;
    until("it is known", async || is_revoked(&two, "bob")).await;
    redis.freeze();
    let start = Instant::now();
    let refused = two.revoke(all_of("eve", None)).await;
    println!("frozen: {refused:?} after {:?}", start.elapsed());
    assert!(matches!(refused, Err(RevokeError::Unavailable { .. })), "{refused:?}");
    assert!(start.elapsed() < Duration::from_secs(6));
    redis.thaw();
    until("it goes on", async || two.revoke(all_of("eve", None)).await.is_ok()).await;
    until("it is known", async || is_revoked(&one, "eve")).await;
}

/// A Redis that is not on disk, or a replica that had not got everything, in place of the one that
/// knew.
#[tokio::test]
async fn what_redis_forgets_servers_put_back() {
    let mut redis = RedisProcess::start(&[]);
    let (one, two) = (server(&redis).await, server(&redis).await);
    let document = RevocationRequest { document: Some("notes".parse().unwrap()), ..all_of("ada", Some(100)) };
    let named = RevocationRequest { token: Some("t-1".parse().unwrap()), ..all_of("ada", None) };
    for request in [all_of("ada", None), document, named, all_of("bob", Some(9))] {
        one.revoke(request).await.unwrap();
    }
    until("they are known", async || two.list().len() == 4).await;
    redis.restart();
    assert_eq!(redis.text(&["DBSIZE"]), "0");
    until("they are back", async || redis.text(&["ZCARD", "cowrite:{@revocations}"]) == "4").await;
    let third = server(&redis).await;
    let known = |server: &Revocations| {
        let mut list = server.list();
        list.sort_by_key(|revocation| format!("{revocation:?}"));
        list
    };
    assert_eq!(known(&third), known(&one));
    // And what is revoked now comes to all.
    third.revoke(all_of("eve", None)).await.unwrap();
    until("it is known", async || is_revoked(&one, "eve") && is_revoked(&two, "eve")).await;
}

/// The last that was stored is lost, and another takes its place before anybody has looked.
#[tokio::test]
async fn a_lost_end_is_noticed_behind_which_others_wrote() {
    let redis = RedisProcess::start(&[]);
    let (one, two) = (server(&redis).await, server(&redis).await);
    one.revoke(all_of("ada", None)).await.unwrap();
    one.revoke(all_of("bob", None)).await.unwrap();
    until("it is known", async || is_revoked(&two, "bob")).await;
    // One step: the others ask in between otherwise.
    let key = "cowrite:{@revocations}";
    let script = "local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
        redis.call('ZREM', KEYS[1], last[1])
        local line = string.gsub(last[1], 'bob', 'eve')
        return redis.call('ZADD', KEYS[1], string.format('%.0f', tonumber(last[2]) - 1), line)";
    redis.command(&["EVAL", script, "1", key]);
    until("both know the new one", async || is_revoked(&one, "eve") && is_revoked(&two, "eve")).await;
    until("the lost one is back", async || redis.text(&["ZCARD", key]) == "3").await;
    // Lost before anybody but its server had read it.
    one.revoke(all_of("zoe", None)).await.unwrap();
    redis.command(&["EVAL", "return redis.call('ZREMRANGEBYRANK', KEYS[1], -1, -1)", "1", key]);
    until("its server stores it again", async || is_revoked(&two, "zoe")).await;
}

#[tokio::test]
async fn many_pages_are_read_before_anybody_is_let_in() {
    let redis = RedisProcess::start(&[]);
    let script = "local now = redis.call('TIME')
        for n = 1, 3500 do
          local line = table.concat({'1', now[1] .. '000', now[1], 'user-' .. n, '', ''}, string.char(31))
          redis.call('ZADD', KEYS[1], now[1] * 1000000 + n, line)
        end";
    redis.command(&["EVAL", script, "1", "cowrite:{@revocations}"]);
    let start = Instant::now();
    let one = server(&redis).await;
    println!("3,500 read within {:?}", start.elapsed());
    assert_eq!(one.list().len(), 3_500);
    // Asking what is new is one small command, four times a second.
    let commands =
        || -> u32 { redis.info("cmdstat_evalsha").unwrap().split(['=', ',']).nth(1).unwrap().parse().unwrap() };
    let before = commands();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let asked = commands() - before;
    assert!((1..=9).contains(&asked), "{asked}");
}
