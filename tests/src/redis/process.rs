//! One Redis process.

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use redis::{Client, Cmd, Connection, RedisResult, Value};

use crate::process::{Place, Process, free_port};

/// Nothing takes a Redis that long, unless it never comes.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a command may take.
const ANSWER: Duration = Duration::from_secs(5);

/// A Redis on a loopback port of its own, in a folder of its own. Both are gone when dropped.
#[derive(Debug)]
pub struct RedisProcess {
    process: Process,
    port: u16,
    settings: Vec<String>,
    place: Place,
}

impl RedisProcess {
    /// Starts one that keeps nothing on disk; waits until it answers. Each of `settings` is a line
    /// as in its configuration file, such as `maxmemory 10mb`.
    ///
    /// # Panics
    /// If there is no redis-server on this machine, or it does not start; the message says why.
    pub fn start(settings: &[&str]) -> RedisProcess {
        let settings: Vec<String> = settings.iter().map(|&line| line.to_owned()).collect();
        loop {
            let place = Place::new();
            let port = free_port();
            let process = launch(&place, port, &settings);
            let redis = RedisProcess { process, port, settings: settings.clone(), place };
            redis.until("it answers PING or ends", || !redis.process.stdout().is_open() || redis.answers());
            // Somebody else may have been faster; then another port will do.
            if !redis.process.stdout().is_open() && redis.log().contains("Address already in use") {
                continue;
            }
            redis.until_answers();
            return redis;
        }
    }

    /// One whose every write is on disk before it is answered: `kill -9` loses nothing.
    ///
    /// # Panics
    /// As [`RedisProcess::start`].
    pub fn on_disk(settings: &[&str]) -> RedisProcess {
        RedisProcess::start(&[&["appendonly yes", "appendfsync always"], settings].concat())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Its address for clients.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Its folder: the append-only file, its RDB file.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The process, for what is not offered here.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// What it has logged since it was started last.
    pub fn log(&self) -> String {
        self.process.stdout().text()
    }

    /// One command and its reply, on a connection of its own.
    ///
    /// # Errors
    /// What Redis answers, or that it does not within 5 s.
    pub fn try_command(&self, words: &[&str]) -> RedisResult<Value> {
        command(words).query(&mut self.connection()?)
    }

    /// One command and its reply, on a connection of its own.
    ///
    /// # Panics
    /// If the reply is an error, or does not come within 5 s.
    pub fn command(&self, words: &[&str]) -> Value {
        self.try_command(words).unwrap_or_else(|error| panic!("{words:?} on port {}: {error}", self.port))
    }

    /// As [`RedisProcess::command`], for a reply that is a text or a number.
    ///
    /// # Panics
    /// Also if it is neither.
    pub fn text(&self, words: &[&str]) -> String {
        let reply = self.command(words);
        reply_text(&reply).unwrap_or_else(|| panic!("{words:?}: {reply:?} is no text"))
    }

    /// A field of `INFO`, such as `connected_slaves`.
    pub fn info(&self, field: &str) -> Option<String> {
        let all = self.text(&["INFO", "everything"]);
        all.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).map(|value| value.trim().to_owned())
    }

    /// A connection whose reads and writes fail after 5 s.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn connection(&self) -> RedisResult<Connection> {
        let connection = Client::open(self.url())?.get_connection_with_timeout(ANSWER)?;
        connection.set_read_timeout(Some(ANSWER))?;
        connection.set_write_timeout(Some(ANSWER))?;
        Ok(connection)
    }

    /// `kill -9`; waits until it is gone. Its folder stays.
    pub fn kill_9(&mut self) {
        self.process.kill_9();
    }

    /// Starts it again, on its port and in its folder; kills it before if it still runs. Waits
    /// until it answers.
    ///
    /// # Panics
    /// As [`RedisProcess::start`].
    pub fn restart(&mut self) {
        self.process.kill_9();
        self.process = launch(&self.place, self.port, &self.settings);
        self.until_answers();
    }

    /// As [`RedisProcess::restart`], with other settings from now on.
    ///
    /// # Panics
    /// As [`RedisProcess::start`].
    pub fn restart_with(&mut self, settings: &[&str]) {
        self.settings = settings.iter().map(|&line| line.to_owned()).collect();
        self.restart();
    }

    /// Freezes it (SIGSTOP). To a peer that is no partition: the system goes on taking bytes for it.
    pub fn freeze(&self) {
        self.process.freeze();
    }

    /// Lets it go on (SIGCONT).
    pub fn thaw(&self) {
        self.process.thaw();
    }

    /// Makes it a replica of the one at this address, which may be a relay's; waits until it holds
    /// all that the other has.
    ///
    /// # Panics
    /// If that takes more than 20 s.
    pub fn replicate(&self, of: SocketAddr) {
        self.command(&["REPLICAOF", &of.ip().to_string(), &of.port().to_string()]);
        self.until("it is in step with its primary", || self.info("master_link_status").as_deref() == Some("up"));
    }

    /// Makes a replica a primary of its own.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn promote(&self) {
        self.command(&["REPLICAOF", "NO", "ONE"]);
        self.until("it is a primary", || self.info("role").as_deref() == Some("master"));
    }

    /// Waits until a replica holds all that this one has now.
    ///
    /// # Panics
    /// If that takes more than 20 s.
    pub fn until_replicated(&self, replica: &RedisProcess) {
        let written: u64 = self.info("master_repl_offset").unwrap().parse().unwrap();
        self.until("its replica has it all", || {
            replica.info("slave_repl_offset").is_some_and(|offset| offset.parse::<u64>().unwrap() >= written)
        });
    }

    /// Waits for something.
    ///
    /// # Panics
    /// If it does not come true within 20 s.
    pub fn until(&self, what: &str, mut reached: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !reached() {
            assert!(Instant::now() < deadline, "Redis on port {}: never that {what}:\n{}", self.port, self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn until_answers(&self) {
        // While it loads its data it answers with an error.
        self.until("it answers PING", || {
            let ended = !self.process.stdout().is_open();
            assert!(!ended, "redis-server on port {} ended:\n{}", self.port, self.log());
            self.answers()
        });
    }

    fn answers(&self) -> bool {
        self.try_command(&["PING"]).is_ok()
    }
}

/// A reply that is one text or one number.
pub fn reply_text(reply: &Value) -> Option<String> {
    match reply {
        Value::Okay => Some("OK".to_owned()),
        Value::Int(number) => Some(number.to_string()),
        Value::SimpleString(text) => Some(text.clone()),
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::VerbatimString { text, .. } => Some(text.clone()),
        _ => None,
    }
}

fn command(words: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    command.arg(words);
    command
}

fn launch(place: &Place, port: u16, settings: &[String]) -> Process {
    let mut command = Command::new("redis-server");
    let installed = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join("redis-server").is_file());
    assert!(installed, "redis-server is not on this machine: type `cargo xtask setup --tests`");
    command.current_dir(place.folder());
    let own = [
        format!("port {port}"),
        "bind 127.0.0.1".to_owned(),
        // The default would be this port and 10,000, which may be anybody's.
        format!("cluster-port {}", free_port()),
        "daemonize no".to_owned(),
        "save \"\"".to_owned(),
        // A replica that is asked for is there at once.
        "repl-diskless-sync-delay 0".to_owned(),
    ];
    // Later lines win.
    let lines: Vec<&str> = own.iter().chain(settings).map(String::as_str).collect();
    let file = place.path("redis.conf");
    std::fs::write(&file, lines.join("\n")).unwrap();
    command.arg(file);
    Process::start(command)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::RedisProcess;

    #[test]
    fn what_is_on_disk_survives_a_kill_and_the_rest_does_not() {
        for (mut redis, left) in [(RedisProcess::start(&[]), "0"), (RedisProcess::on_disk(&[]), "1")] {
            redis.command(&["SET", "key", "value"]);
            redis.kill_9();
            assert!(redis.try_command(&["PING"]).is_err());
            redis.restart();
            assert_eq!(redis.text(&["EXISTS", "key"]), left);
        }
    }

    #[test]
    fn settings_are_taken() {
        let redis = RedisProcess::start(&["maxmemory 10mb"]);
        assert_eq!(redis.info("maxmemory").as_deref(), Some("10485760"));
    }

    #[test]
    fn a_frozen_redis_answers_when_it_is_thawed() {
        let redis = RedisProcess::start(&[]);
        let mut connection = redis.connection().unwrap();
        redis.freeze();
        connection.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        assert!(super::command(&["PING"]).query::<redis::Value>(&mut connection).is_err());
        redis.thaw();
        assert_eq!(redis.text(&["PING"]), "PONG");
    }

    #[test]
    fn a_replica_follows_until_it_is_promoted() {
        let (primary, replica) = (RedisProcess::start(&[]), RedisProcess::start(&[]));
        replica.replicate(primary.address());
        primary.command(&["SET", "key", "1"]);
        primary.until_replicated(&replica);
        assert_eq!(replica.try_command(&["SET", "key", "2"]).unwrap_err().code(), Some("READONLY"));
        replica.promote();
        primary.command(&["SET", "key", "3"]);
        assert_eq!(replica.text(&["GET", "key"]), "1");
        replica.command(&["SET", "key", "2"]);
    }
}
