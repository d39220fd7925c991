//! From the application's word to the end of the connection.

use std::time::{Duration, Instant};

use cowrite_tests::raw::RawClient;
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::{ServerProcess, mint, post};

const KEY: &str = "key-of-the-application";
const TIMES: usize = 20;

/// A user is taken out at one server, and is connected to the other.
pub(crate) async fn measure() {
    let redis = RedisProcess::start(&[]);
    let flags = ["--redis", &redis.url(), "--api-key", KEY].map(str::to_owned);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let (one, two) = (ServerProcess::with_tokens(&flags), ServerProcess::with_tokens(&flags));
    let mut times = Vec::new();
    for number in 0..TIMES {
        let user = format!("user-{number}");
        let mut client = RawClient::greeted(two.address(), &mint(&user, &[("*", "editor")])).await;
        client.open("notes").await;
        let start = Instant::now();
        let bearer = format!("Bearer {KEY}");
        let headers = [("authorization", &*bearer), ("content-type", "application/json")];
        let body = format!("{{\"user\":\"{user}\"}}");
        let answer = post(one.address(), "/v1/revocations", &headers, &body).await.expect("it is answered");
        assert_eq!(answer.status, 200, "{}", answer.body);
        client.ending().await;
        times.push(start.elapsed());
        tokio::time::sleep(Duration::from_millis(37)).await;
    }
    times.sort();
    println!("a user revoked at one server until the connection at the other is closed, {TIMES} times");
    println!("  median {:.0?}, longest {:.0?}", times[TIMES / 2], times[TIMES - 1]);
}
