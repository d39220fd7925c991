//! What a server is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use cowrite_protocol::Limits;

use crate::arrivals::ArrivalSettings;
use crate::auth::{ApiKey, AuthSettings};
use crate::connection::ConnectionSettings;
use crate::formats::Formats;
use crate::http::OriginRule;
use crate::hub::HubSettings;
use crate::leases::LeaseSettings;
use crate::redis::RedisSettings;
use crate::revocations::RevocationSettings;
use crate::room::RoomSettings;
use crate::traces::TraceSettings;
use crate::wall_clock::WallClock;

/// Everything that can be chosen about a server, with its defaults.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens; port 0 takes a free one. Default 127.0.0.1:8080.
    pub listen: SocketAddr,
    /// Where documents are kept. Default [`Storage::Folder`] `./data`.
    pub storage: Storage,
    /// Whose word it takes for who a user is. Default [`FrontDoor::Closed`].
    pub front_door: FrontDoor,
    /// The key of the application's own servers; without one they are not served.
    pub api_key: Option<ApiKey>,
    /// Where operators are answered, if not where users are.
    pub operator_listen: Option<SocketAddr>,
    /// A request's head must be there within this time, in milliseconds. Default 5,000.
    pub handshake_ms: u64,
    /// How many may come in.
    pub arrivals: ArrivalSettings,
    /// Which pages may talk to it. In developer mode those of this machine may, too.
    pub origins: OriginRule,
    /// A folder whose files are served at `/`.
    pub pages: Option<PathBuf>,
    /// A folder whose files are served at `/cowrite/`: the built npm package.
    pub package: Option<PathBuf>,
    /// What clients may ask for.
    pub limits: Limits,
    /// What documents may hold. Default anything.
    pub formats: Formats,
    /// How connections are treated.
    pub connection: ConnectionSettings,
    /// How rooms behave.
    pub room: RoomSettings,
    /// How rooms are kept.
    pub hub: HubSettings,
    /// How it goes down.
    pub shutdown: ShutdownSettings,
    /// Which edits are traced, and who is told. Default nobody.
    pub traces: Option<TraceSettings>,
    /// How connections of users are counted.
    pub leases: LeaseSettings,
    /// How revocations are kept.
    pub revocations: RevocationSettings,
    /// The time of day, for tokens, entries and revocations. Default the machine's.
    pub clock: WallClock,
}

/// Where documents are kept.
#[derive(Clone, Debug)]
pub enum Storage {
    /// In a folder of this machine: accepted is on disk.
    Folder(PathBuf),
    /// In memory: gone with the process.
    Memory,
    /// In a Redis that any number of servers share.
    Redis(Box<RedisSettings>),
}

/// Whose word the server takes for who a user is.
#[derive(Clone, Debug)]
pub enum FrontDoor {
    /// Nobody's: such a server does not start.
    Closed,
    /// The application's, which signs a token for each user.
    Tokens(Box<AuthSettings>),
    /// The application's and everybody's: such a server does not start.
    Contradictory,
    /// The user's own, on this machine alone.
    Developer,
    /// The user's own, on any address: for trying several servers in containers, where
    /// something else keeps strangers away. Whoever reaches the port may edit everything.
    DeveloperAnywhere,
}

impl FrontDoor {
    /// Whether everybody's word is taken, so that only pages of this machine may ask.
    pub fn believes_everybody(&self) -> bool {
        matches!(self, FrontDoor::Developer | FrontDoor::DeveloperAnywhere)
    }
}

/// How the server goes down.
#[derive(Clone, Copy, Debug)]
pub struct ShutdownSettings {
    /// Clients connect again within a random part of this time, in milliseconds; so long
    /// they may take to leave by themselves.
    pub spread_ms: u32,
    /// All of going down takes this long at most, in milliseconds.
    pub deadline_ms: u64,
}

impl Default for ShutdownSettings {
    fn default() -> Self {
        ShutdownSettings { spread_ms: 1_000, deadline_ms: 10_000 }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8_080)),
            storage: Storage::Folder(PathBuf::from("data")),
            front_door: FrontDoor::Closed,
            api_key: None,
            operator_listen: None,
            handshake_ms: 5_000,
            arrivals: ArrivalSettings::default(),
            origins: OriginRule::default(),
            pages: None,
            package: None,
            limits: Limits::default(),
            formats: Formats::default(),
            connection: ConnectionSettings::default(),
            room: RoomSettings::default(),
            hub: HubSettings::default(),
            shutdown: ShutdownSettings::default(),
            traces: None,
            leases: LeaseSettings::default(),
            revocations: RevocationSettings::default(),
            clock: WallClock::system(),
        }
    }
}
