//! Takes connections of a user, over the Redis that is named, and holds them until it is killed.

use std::error::Error;
use std::io::{Write, stdout};
use std::time::Duration;

use cowrite_protocol::UserId;
use cowrite_server::leases::{LeaseSettings, Leases};
use cowrite_server::oplog::redis::RedisLog;
use cowrite_server::redis::RedisSettings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [redis, user, count, expiry_ms] = &arguments[..] else {
        return Err("usage: hold_leases REDIS USER COUNT EXPIRY_MS".into());
    };
    let (user, count, expiry_ms): (UserId, u32, u64) = (user.parse()?, count.parse()?, expiry_ms.parse()?);
    let expiry = Duration::from_millis(expiry_ms);
    let settings = LeaseSettings { expiry, renew_every: expiry / 3, ..LeaseSettings::default() };
    let leases = RedisLog::new(RedisSettings::new(redis.parse()?)).leases(settings);
    let mut held = Vec::new();
    for _ in 0..count {
        held.push(leases.take(&user, 10).await?);
    }
    writeln!(stdout(), "holds {}", held.len())?;
    stdout().flush()?;
    std::future::pending::<()>().await;
    Ok(())
}
