//! What is in a Redis, as text.

use redis::cmd;
use serde_json::{Value, json};

use super::files::{hex, unhex};
use crate::redis::RedisProcess;

/// All keys, each as Redis itself writes it (DUMP), in the order of their names. Of one that ends by
/// itself also how many milliseconds it had left.
pub(super) fn dump(redis: &RedisProcess) -> Value {
    let mut connection = redis.connection().unwrap();
    let mut names: Vec<String> = cmd("KEYS").arg("*").query(&mut connection).unwrap();
    names.sort();
    let keys = names.iter().map(|name| {
        let bytes: Vec<u8> = cmd("DUMP").arg(name).query(&mut connection).unwrap();
        let left: i64 = cmd("PTTL").arg(name).query(&mut connection).unwrap();
        json!({ "name": name, "left_ms": left.max(0), "dump": hex(&bytes) })
    });
    Value::Array(keys.collect())
}

/// Puts them into an empty Redis.
pub(super) fn restore(redis: &RedisProcess, keys: &Value) {
    let mut connection = redis.connection().unwrap();
    for key in keys.as_array().expect("a list of keys") {
        let mut restore = cmd("RESTORE");
        restore.arg(key["name"].as_str()).arg(key["left_ms"].as_i64());
        restore.arg(unhex(key["dump"].as_str().expect("bytes")));
        let () = restore.query(&mut connection).unwrap();
    }
}
