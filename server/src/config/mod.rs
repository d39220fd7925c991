//! Flags and environment: the only place that reads them.

mod auth;
mod command;
mod formats;
mod front;
mod limits;
mod operating;
mod secret;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use cowrite_protocol::{DocumentId, Limits, Version};

use crate::auth::Minter;
use crate::connection::ConnectionSettings;
use crate::formats::Formats;
use crate::health_check::HealthCheck;
use crate::hub::HubSettings;
use crate::leases::LeaseSettings;
use crate::logging::LoggingSettings;
use crate::redis::{RedisDurability, RedisSettings, RedisUrl};
use crate::revocations::RevocationSettings;
use crate::room::RoomSettings;
use crate::settings::{FrontDoor, Settings, ShutdownSettings, Storage};
use crate::wall_clock::WallClock;

use auth::{AuthFlags, TokenFlags};
use front::FrontArgs;
use operating::OperatingConfig;

pub use command::{Command, TokenArgs};

/// The server of Cowrite: many people edit one document at once, and nothing that was
/// accepted is lost.
///
/// Every flag can also be given by the environment, as the help says.
#[derive(Clone, Debug, Parser)]
#[command(name = "cowrite-server", version, max_term_width = 100)]
pub struct Config {
    #[command(subcommand)]
    command: Option<Command>,

    /// Where to listen; port 0 takes a free one.
    #[arg(long, env = "COWRITE_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The folder where documents are kept; made if it is not there.
    #[arg(long, env = "COWRITE_DATA", value_name = "FOLDER", default_value = "./data")]
    data: PathBuf,
    /// Keep documents in memory only: they are gone when the server ends.
    #[arg(long, env = "COWRITE_MEMORY", conflicts_with = "data")]
    memory: bool,
    /// The Redis (7 or newer, or any node of a cluster) where documents are kept, shared by
    /// any number of servers: `redis://[user:password@]host[:port]`.
    #[arg(long, env = "COWRITE_REDIS", hide_env_values = true, value_name = "URL", conflicts_with_all = ["data", "memory"])]
    redis: Option<RedisUrl>,
    /// What keys and channels in Redis begin with, so that two deployments can share one.
    #[arg(long, env = "COWRITE_REDIS_PREFIX", value_name = "PREFIX", default_value = "cowrite", value_parser = prefix)]
    redis_prefix: String,
    /// What is promised of an accepted edit in Redis: `unconfirmed` (what Redis does by
    /// itself), `disk` (synced before it is accepted; Redis must have appendfsync always) or
    /// `replicas:N` (so many replicas have it before it is called durable).
    #[arg(long, env = "COWRITE_REDIS_DURABILITY", value_name = "CLASS", default_value = "unconfirmed")]
    redis_durability: RedisDurability,
    /// With `replicas:N`: milliseconds for which edits may stay unconfirmed; after that no
    /// edit is accepted until they are.
    #[arg(long, env = "COWRITE_REDIS_CONFIRM_MS", value_name = "MS", default_value_t = 10_000,
        value_parser = clap::value_parser!(u64).range(100..=600_000))]
    redis_confirm_ms: u64,
    /// Milliseconds that Redis may take to answer.
    #[arg(long, env = "COWRITE_REDIS_ANSWER_MS", value_name = "MS", default_value_t = 2_000,
        value_parser = clap::value_parser!(u64).range(10..=60_000))]
    redis_answer_ms: u64,
    /// Edits younger than this are kept in Redis behind a snapshot, in hours, beside those
    /// of `--retained-entries`.
    #[arg(long, env = "COWRITE_REDIS_RETAINED_HOURS", value_name = "HOURS", default_value_t = 168,
        value_parser = clap::value_parser!(u64).range(0..=87_600))]
    redis_retained_hours: u64,
    /// Bytes of one document's edits in Redis above which age keeps none.
    #[arg(long, env = "COWRITE_REDIS_RETAINED_BYTES", value_name = "BYTES", default_value_t = 16 << 20)]
    redis_retained_bytes: u64,
    /// Developer mode: whoever says `dev:NAME` is NAME and may edit everything. On
    /// loopback addresses only.
    #[arg(long, env = "COWRITE_DEV")]
    dev: bool,
    /// With --dev: any address may be listened on. Whoever reaches it may edit everything,
    /// so something else must keep strangers away, such as ports published on 127.0.0.1.
    #[arg(long, env = "COWRITE_DEV_UNSAFE_ANY_ADDRESS")]
    dev_unsafe_any_address: bool,
    #[command(flatten)]
    auth: AuthFlags,
    #[command(flatten)]
    front: FrontArgs,

    /// A folder with pages to serve at /.
    #[arg(long = "static", env = "COWRITE_STATIC", value_name = "FOLDER")]
    pages: Option<PathBuf>,
    /// The folder of the built npm package, to serve at /cowrite/.
    #[arg(long, env = "COWRITE_PACKAGE", value_name = "FOLDER")]
    package: Option<PathBuf>,

    /// Start no server: ask the one that listens on the address of --operator-listen, or else of
    /// --listen, for PATH, and
    /// end with code 0 if it answers 200 within 4 s, else with 1. For containers. /healthz
    /// says that the process lives, /readyz that it should be sent clients.
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true, default_missing_value = "/healthz",
        value_parser = path)]
    health_check: Option<String>,

    /// Start no server, but cut the history of one document in Redis, `DOCUMENT@VERSION`:
    /// where a document is quarantined, at the version before the entry that its log names.
    /// What is behind is kept aside, and clients are told.
    #[arg(long, value_name = "DOCUMENT@VERSION", requires = "redis", value_parser = cut)]
    cut_log: Option<(DocumentId, Version)>,

    #[command(flatten)]
    operating: OperatingConfig,

    /// Most bytes of one message from a client.
    #[arg(long, env = "COWRITE_MESSAGE_BYTES", value_name = "BYTES", default_value_t = Limits::default().message_bytes,
        value_parser = clap::value_parser!(u32).range(32 << 10..=16 << 20))]
    message_bytes: u32,
    /// Most bytes of one operation.
    #[arg(long, env = "COWRITE_OPERATION_BYTES", value_name = "BYTES", default_value_t = Limits::default().operation.bytes,
        value_parser = clap::value_parser!(u32).range(1..=256 << 20))]
    operation_bytes: u32,
    /// Most components of one operation.
    #[arg(long, env = "COWRITE_OPERATION_COMPONENTS", value_name = "COUNT",
        default_value_t = Limits::default().operation.components, value_parser = clap::value_parser!(u32).range(1..))]
    operation_components: u32,
    /// Most UTF-16 code units of one document.
    #[arg(long, env = "COWRITE_DOCUMENT_UNITS", value_name = "UNITS", default_value_t = Limits::default().document_units,
        value_parser = clap::value_parser!(u32).range(1..=1 << 30))]
    document_units: u32,
    /// Most documents open on one connection.
    #[arg(long, env = "COWRITE_CHANNELS", value_name = "COUNT", default_value_t = Limits::default().channels,
        value_parser = clap::value_parser!(u32).range(1..))]
    channels: u32,
    /// Bytes that wait for a slow reader before it is left behind and caught up later.
    #[arg(long, env = "COWRITE_QUEUE_BYTES", value_name = "BYTES", default_value_t = 1 << 20,
        value_parser = clap::value_parser!(u32).range(1 << 10..))]
    queue_bytes: u32,

    /// What documents may hold, so that nobody can put anything else into them: `plain` (text alone),
    /// `rich` (what Quill and ProseMirror's usual schemas have, and no address that is a program),
    /// `any`, or a file that says more (see docs/formats.md). Without it, anything.
    #[arg(long, env = "COWRITE_FORMATS", value_name = "NAME|FILE", value_parser = formats::formats())]
    formats: Option<Formats>,

    #[command(flatten)]
    limits: limits::LimitArgs,

    /// Milliseconds within which a connection must say who it is.
    #[arg(long, env = "COWRITE_HELLO_MS", value_name = "MS", default_value_t = ConnectionSettings::default().hello_ms,
        value_parser = clap::value_parser!(u64).range(1..))]
    hello_ms: u64,
    /// Milliseconds of quiet after which a client is asked for a sign of life.
    #[arg(long, env = "COWRITE_PING_MS", value_name = "MS", default_value_t = ConnectionSettings::default().ping_ms,
        value_parser = clap::value_parser!(u64).range(1..))]
    ping_ms: u64,
    /// Milliseconds of silence after which a connection is given up.
    #[arg(long, env = "COWRITE_SILENCE_MS", value_name = "MS", default_value_t = ConnectionSettings::default().silence_ms,
        value_parser = clap::value_parser!(u64).range(1..=u64::from(u32::MAX)))]
    silence_ms: u64,
    /// Milliseconds after which a reader that takes no byte is given up.
    #[arg(long, env = "COWRITE_STUCK_MS", value_name = "MS", default_value_t = ConnectionSettings::default().stuck_ms,
        value_parser = clap::value_parser!(u64).range(1..))]
    stuck_ms: u64,
    /// Milliseconds after which a document that nobody has open leaves memory.
    #[arg(long, env = "COWRITE_IDLE_MS", value_name = "MS", default_value_t = HubSettings::default().idle_ms)]
    idle_ms: u64,
    /// A document that is open compares itself with the log this often, in milliseconds: so
    /// late it hears of edits at other servers of which the live feed lost word.
    #[arg(long, env = "COWRITE_LOOK_MS", value_name = "MS", default_value_t = HubSettings::default().look_ms,
        value_parser = clap::value_parser!(u64).range(100..))]
    look_ms: u64,
    /// Presence is sent this often at most, in milliseconds.
    #[arg(long, env = "COWRITE_PRESENCE_MS", value_name = "MS", default_value_t = RoomSettings::default().presence_ms,
        value_parser = clap::value_parser!(u64).range(1..))]
    presence_ms: u64,
    /// A snapshot of a document is stored every this many edits.
    #[arg(long, env = "COWRITE_SNAPSHOT_ENTRIES", value_name = "COUNT",
        default_value_t = RoomSettings::default().snapshot_entries, value_parser = clap::value_parser!(u64).range(1..))]
    snapshot_entries: u64,
    /// Edits that stay readable behind the snapshot, for clients that come back.
    #[arg(long, env = "COWRITE_RETAINED_ENTRIES", value_name = "COUNT",
        default_value_t = RoomSettings::default().retained_entries)]
    retained_entries: u64,
    /// Milliseconds over which clients spread when the server goes down.
    #[arg(long, env = "COWRITE_SPREAD_MS", value_name = "MS", default_value_t = ShutdownSettings::default().spread_ms)]
    spread_ms: u32,
    /// Milliseconds that going down takes at most.
    #[arg(long, env = "COWRITE_SHUTDOWN_MS", value_name = "MS",
        default_value_t = ShutdownSettings::default().deadline_ms)]
    shutdown_ms: u64,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// Reads the command line and the environment; ends the process with a message and
    /// exit code 2 if they make no sense.
    pub fn read() -> Config {
        Config::try_read(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// As [`Config::read`], of this command line.
    fn try_read(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Config, clap::Error> {
        let mut arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        // The flags are the program's own, so they stand before the command; people write it first.
        if arguments.get(1).is_some_and(|first| first == "check-config") {
            arguments[1..].rotate_left(1);
        }
        Config::try_parse_from(arguments)
    }

    /// How log lines look, and which are written.
    pub fn logging(&self) -> LoggingSettings {
        self.operating.logging()
    }

    /// If no server is to be started, but to be said how log lines show a user: how.
    pub fn logged_user(&self) -> Option<String> {
        self.operating.logged_user()
    }

    /// If no server is to be started, but one to be asked: what.
    pub fn health_check(&self) -> Option<HealthCheck> {
        let path = self.health_check.clone()?;
        Some(HealthCheck { listen: self.front.operator_listen.unwrap_or(self.listen), path })
    }

    /// If no server is to be started, but a document's history to be cut: which, and where.
    pub fn cut_log(&self) -> Option<(DocumentId, Version)> {
        self.cut_log.clone()
    }

    /// If no server is to be started, but something else done: what.
    pub fn command(&self) -> Option<Command> {
        self.command.clone()
    }

    /// What signs tokens; `None` if there is no secret to do it with.
    pub fn minter(self) -> Option<Minter> {
        self.auth.minter()
    }

    /// What the server is started with.
    pub fn settings(self) -> Settings {
        let mut connection = ConnectionSettings {
            hello_ms: self.hello_ms,
            ping_ms: self.ping_ms,
            silence_ms: self.silence_ms,
            stuck_ms: self.stuck_ms,
            queue_bytes: self.queue_bytes as usize,
            ..ConnectionSettings::default()
        };
        self.limits.apply(&mut connection);
        let mut limits = Limits {
            message_bytes: self.message_bytes,
            document_units: self.document_units,
            channels: self.channels,
            ..Limits::default()
        };
        limits.operation.bytes = self.operation_bytes;
        limits.operation.components = self.operation_components;
        let storage = match self.redis {
            Some(url) => Storage::Redis(Box::new(RedisSettings {
                prefix: self.redis_prefix,
                durability: self.redis_durability,
                confirm_within: Duration::from_millis(self.redis_confirm_ms),
                answer_within: Duration::from_millis(self.redis_answer_ms),
                retained_ms: self.redis_retained_hours * 60 * 60 * 1000,
                retained_bytes: self.redis_retained_bytes,
                ..RedisSettings::new(url)
            })),
            None if self.memory => Storage::Memory,
            None => Storage::Folder(self.data),
        };
        let token_life = self.auth.token_life();
        Settings {
            listen: self.listen,
            storage,
            api_key: self.auth.api_key.clone(),
            front_door: match (self.auth.settings(), self.dev, self.dev_unsafe_any_address) {
                (TokenFlags::None, true, true) => FrontDoor::DeveloperAnywhere,
                (TokenFlags::None, true, false) => FrontDoor::Developer,
                (TokenFlags::Settings(_) | TokenFlags::OnlyCallback, true, _) => FrontDoor::Contradictory,
                (TokenFlags::Settings(auth), false, _) => FrontDoor::Tokens(auth),
                (TokenFlags::None | TokenFlags::OnlyCallback, false, _) => FrontDoor::Closed,
            },
            operator_listen: self.front.operator_listen,
            handshake_ms: self.front.handshake_ms,
            arrivals: self.front.arrivals(),
            origins: self.front.origins(),
            pages: self.pages,
            package: self.package,
            limits,
            formats: self.formats.unwrap_or_default(),
            connection,
            room: RoomSettings {
                presence_ms: self.presence_ms,
                snapshot_entries: self.snapshot_entries,
                retained_entries: self.retained_entries,
                ..RoomSettings::default()
            },
            hub: HubSettings {
                idle_ms: self.idle_ms,
                look_ms: self.look_ms,
                // Nothing of a connection can come later than that.
                number_rest_ms: self.silence_ms.saturating_add(self.hello_ms),
                ..HubSettings::default()
            },
            traces: self.operating.traces(),
            shutdown: ShutdownSettings { spread_ms: self.spread_ms, deadline_ms: self.shutdown_ms },
            leases: LeaseSettings::default(),
            revocations: RevocationSettings { token_life, ..RevocationSettings::default() },
            clock: WallClock::system(),
        }
    }
}

/// A document and a version of it.
fn cut(text: &str) -> Result<(DocumentId, Version), String> {
    let (document, version) = text.rsplit_once('@').ok_or("a document and a version, such as notes@41")?;
    let document = document.parse::<DocumentId>().map_err(|error| error.to_string())?;
    let version = version.parse().ok().and_then(Version::new).ok_or("a version is a number from 0 to 2^53 - 1")?;
    Ok((document, version))
}

/// A prefix is a plain word: a brace in it would move keys to other slots.
fn prefix(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(plain);
    if fits { Ok(text.to_owned()) } else { Err("1 to 64 letters, digits, `.`, `_`, `-` and `:`".to_owned()) }
}

/// A path of a request, which goes into its first line as it is.
fn path(text: &str) -> Result<String, &'static str> {
    let fits = text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(text.to_owned()) } else { Err("a path such as /readyz is needed") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Settings, clap::error::ErrorKind> {
        let arguments = std::iter::once("cowrite-server").chain(arguments.iter().copied());
        Config::try_read(arguments).map(Config::settings).map_err(|error| error.kind())
    }

    #[test]
    fn the_flags_and_the_settings_have_the_same_defaults() {
        let (read, defaults) = (read(&[]).unwrap(), Settings::default());
        assert!(matches!(&read.storage, Storage::Folder(folder) if folder.as_os_str() == "./data"));
        assert!(matches!(read.front_door, FrontDoor::Closed));
        assert_eq!((read.listen, read.limits), (defaults.listen, defaults.limits));
        assert_eq!(format!("{:?}", read.connection), format!("{:?}", defaults.connection));
        assert_eq!(format!("{:?}", read.room), format!("{:?}", defaults.room));
        assert_eq!(format!("{:?}", read.shutdown), format!("{:?}", defaults.shutdown));
        assert_eq!((read.operator_listen, read.handshake_ms), (None, defaults.handshake_ms));
        assert_eq!((read.arrivals, read.origins), (defaults.arrivals, defaults.origins));
    }

    #[test]
    fn a_command_stands_before_or_after_the_flags() {
        for arguments in
            [&["check-config", "--dev", "--connections", "7"][..], &["--dev", "--connections=7", "check-config"]]
        {
            let arguments = std::iter::once(&"cowrite-server").chain(arguments);
            let config = Config::try_read(arguments).unwrap();
            assert!(matches!(config.command(), Some(Command::CheckConfig)));
            assert_eq!(config.settings().arrivals.connections, Some(7));
        }
    }

    #[test]
    fn operators_are_asked_where_they_are_answered() {
        let arguments = ["cowrite-server", "--operator-listen", "127.0.0.1:9", "--health-check"];
        let check = Config::try_read(arguments).unwrap().health_check().unwrap();
        assert_eq!(check.listen, "127.0.0.1:9".parse().unwrap());
    }

    #[test]
    fn developers_are_let_in_from_elsewhere_only_by_both_flags() {
        let front_door = |arguments: &[&str]| read(arguments).unwrap().front_door;
        assert!(matches!(front_door(&["--dev"]), FrontDoor::Developer));
        assert!(matches!(front_door(&["--dev-unsafe-any-address"]), FrontDoor::Closed));
        assert!(matches!(front_door(&["--dev", "--dev-unsafe-any-address"]), FrontDoor::DeveloperAnywhere));
    }

    #[test]
    fn there_is_one_front_door_or_none() {
        const SECRET: [&str; 2] = ["--jwt-secret", "0123456789abcdef0123456789abcdef"];
        let asks = ["--access-callback", "http://127.0.0.1/a", "--access-callback-secret", SECRET[1]];
        let front_door = |arguments: &[&[&str]]| read(&arguments.concat()).unwrap().front_door;
        assert!(matches!(front_door(&[&SECRET]), FrontDoor::Tokens(_)));
        assert!(matches!(front_door(&[&SECRET, &asks]), FrontDoor::Tokens(auth) if auth.callback.is_some()));
        assert!(matches!(front_door(&[&["--jwks-url", "https://app.example/keys"]]), FrontDoor::Tokens(_)));
        assert!(matches!(front_door(&[&SECRET, &["--dev"]]), FrontDoor::Contradictory));
        assert!(matches!(front_door(&[&asks, &["--dev"]]), FrontDoor::Contradictory));
        assert!(matches!(front_door(&[&asks]), FrontDoor::Closed));
    }

    #[test]
    fn a_health_check_asks_where_the_server_listens() {
        let check = |arguments: &[&str]| {
            let arguments = ["cowrite-server", "--listen", "0.0.0.0:9"].iter().chain(arguments);
            Config::try_parse_from(arguments).map(|config| config.health_check()).map_err(|error| error.kind())
        };
        let asks = |path: &str| Some(HealthCheck { listen: "0.0.0.0:9".parse().unwrap(), path: path.to_owned() });
        assert_eq!(check(&[]), Ok(None));
        assert_eq!(check(&["--health-check"]), Ok(asks("/healthz")));
        assert_eq!(check(&["--health-check=/readyz"]), Ok(asks("/readyz")));
        for absurd in ["--health-check=", "--health-check=readyz", "--health-check=/a b", "--health-check=/a\r\nx: y"] {
            assert!(check(&[absurd]).is_err(), "{absurd}");
        }
    }

    #[test]
    fn what_is_revoked_is_remembered_as_long_as_a_token_may_last() {
        let life = |arguments: &[&str]| read(arguments).unwrap().revocations.token_life;
        assert_eq!(life(&[]), Settings::default().revocations.token_life);
        assert_eq!(life(&["--token-max-hours", "100"]), Duration::from_hours(100));
    }

    #[test]
    fn documents_may_hold_anything_unless_a_format_is_named() {
        let formats = |arguments: &[&str]| read(arguments).unwrap().formats.to_string();
        assert_eq!((formats(&[]), formats(&["--formats", "rich"])), ("any for *".into(), "rich for *".into()));
    }

    #[test]
    fn h2_absurd_settings_are_refused() {
        for absurd in [
            &["--hello-ms", "0"][..],
            &["--look-ms", "0"],
            &["--message-bytes", "10"],
            &["--silence-ms", "-1"],
            &["--listen", "nowhere"],
            &["--memory", "--data", "x"],
            &["--log-format", "xml"],
            &["--no-such-flag"],
            &["--redis", "127.0.0.1:6379"],
            &["--cut-log", "notes@41"],
            &["--redis", "redis://127.0.0.1", "--cut-log", "notes"],
            &["--redis", "redis://127.0.0.1", "--cut-log", "no tes@41"],
            &["--redis", "redis://127.0.0.1", "--memory"],
            &["--redis", "redis://127.0.0.1", "--redis-durability", "everysec"],
            &["--redis", "redis://127.0.0.1", "--redis-prefix", "a{b}"],
            &["--jwt-secret", "too short"],
            &["--token-leeway-s", "61"],
            &["--token-max-hours", "0"],
            &["--jwks-url", "app.example"],
            &["--access-callback", "http://127.0.0.1/"],
            &["--api-key", "too short"],
            &["token"],
            &["token", "--user", "ada", "--document", "notes"],
            &["token", "--user", "ada", "--document", "a b=editor"],
            &["token", "--user", "ada", "--document", "notes=admin"],
            &["--handshake-ms", "0"],
            &["--connections", "0"],
            &["--strangers", "0"],
            &["--trusted-proxies", "0"],
            &["--trusted-proxies", "everybody"],
            &["--allowed-origins", "*"],
            &["--allowed-origins", "https://a.test,null"],
            &["--operator-listen", "9090"],
            &["--formats", "no/such/file"],
            &["--formats", "/dev/null"],
            &["--formats", ""],
        ] {
            assert!(read(absurd).is_err(), "{absurd:?}");
        }
        assert!(matches!(read(&["--memory", "--dev"]).map(|settings| settings.storage), Ok(Storage::Memory)));
    }

    #[test]
    fn redis_is_one_flag_and_keeps_its_defaults() {
        let Ok(Storage::Redis(read)) = read(&["--redis", "redis://127.0.0.1:7000"]).map(|settings| settings.storage)
        else {
            panic!("not kept in Redis");
        };
        let defaults = RedisSettings::new("redis://127.0.0.1:7000".parse().unwrap());
        assert_eq!(format!("{read:?}"), format!("{defaults:?}"));
    }
}
