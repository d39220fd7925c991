//! A whole server in one value: bound, then run until it is asked to end.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use cowrite_protocol::RichText;
use cowrite_protocol::frame::DurabilityClass;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::arrivals::{ArrivalSettings, Arrivals, open_file_limit};
use crate::auth::{Access, DeveloperAccess, JwtAccess, Minter, RevocableAccess};
use crate::clock::Clock;
use crate::connection::{Registry, SocketContext};
use crate::health::Health;
use crate::http::{
    EXPORTS, HttpContext, Listener, OriginRule, Reception, TokenDesk, finish, operator_routes, public_routes,
};
use crate::hub::{Hub, HubParts};
use crate::leases::{Leases, LocalLeases};
use crate::metrics::Metrics;
use crate::oplog::disk::{DiskLog, DiskSettings, OpenFolderError};
use crate::oplog::memory::MemoryLog;
use crate::oplog::redis::RedisLog;
use crate::oplog::{Durability, OpLog};
use crate::presence::{LocalBus, PresenceBus};
use crate::redis::{RedisDoorError, check};
use crate::revocations::{DiskRevocations, MemoryRevocations, OpenRevocationsError, Revocations};
use crate::room::spawn_room;
use crate::settings::{FrontDoor, Settings, ShutdownSettings, Storage};
use crate::shutdown::go_down;
use crate::traces::{Exporter, Tracer};

/// A server that holds its port and its data, and serves once it is run.
pub struct Server {
    doors: Vec<Door>,
    address: SocketAddr,
    context: Arc<HttpContext>,
    log: Arc<dyn OpLog>,
    shutdown: ShutdownSettings,
    exporter: Option<Exporter>,
}

/// A port, and what is answered there.
struct Door {
    listener: Listener,
    reception: Arc<Reception>,
    router: Router,
}

/// Why a server does not start. Nothing is left half-way: no port is taken, no data changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no way to know who a user is.
    #[error(
        "this server cannot know who a user is: give it what your application signs tokens with (--jwt-secret-file or COWRITE_JWT_SECRET, --jwt-public-key, --jwks-url), or start it with --dev to try it on this machine"
    )]
    NoFrontDoor,
    /// Developer mode takes everybody's word, whatever keys there are.
    #[error(
        "developer mode (--dev) lets everybody be anybody, although keys for tokens are given: leave out one of the two"
    )]
    TwoFrontDoors,
    /// Developer mode takes everybody's word, so nobody else may reach it.
    #[error(
        "developer mode (--dev) lets everybody be anybody, and {address} can be reached from other machines: listen on a loopback address such as 127.0.0.1:8080"
    )]
    NotLoopback {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The application is to be asked over https, and nobody could be verified.
    #[error(
        "--jwks-url or --access-callback is an https address, and this system has no certificates to verify it by: install ca-certificates, or name a file with them by SSL_CERT_FILE ({error})"
    )]
    Certificates {
        /// What was missing.
        error: io::Error,
    },
    /// The data folder cannot be used.
    #[error("{error}; {remedy}", remedy = remedy(error))]
    Data {
        /// Why.
        error: OpenFolderError,
    },
    /// What was revoked cannot be read.
    #[error(transparent)]
    Revocations(#[from] OpenRevocationsError),
    /// Redis cannot be used.
    #[error(transparent)]
    Redis(#[from] RedisDoorError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}; stop what listens there, or choose another by --listen")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// A folder of pages cannot be served.
    #[error("the files in {} cannot be served: {error}; see --static and --package", folder.display())]
    Files {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// How long the end of the server waits for the last spans of traces to be taken.
const LAST_SPANS: Duration = Duration::from_secs(1);

/// Most connections of operators at one time.
const OPERATORS: u32 = 256;

impl Server {
    /// Opens the data and takes the port. Must be called in a tokio runtime; blocks for
    /// the disk, milliseconds.
    ///
    /// # Errors
    /// As [`StartError`] says, each with what to do about it.
    pub fn bind(mut settings: Settings) -> Result<Server, StartError> {
        let (tracer, exporter) = match settings.traces.take() {
            Some(traces) => {
                let (tracer, exporter) = Tracer::new(traces);
                (tracer, Some(exporter))
            }
            None => (Tracer::default(), None),
        };
        let metrics = Metrics::traced(tracer);
        let minter = match &settings.front_door {
            FrontDoor::Tokens(auth) => Minter::new(auth),
            _ => None,
        };
        if let FrontDoor::Tokens(auth) = &mut settings.front_door {
            auth.metrics = Arc::clone(&metrics.front);
            auth.clock = settings.clock.clone();
        }
        settings.revocations.clock = settings.clock.clone();
        let access = access(&settings)?;
        let local = settings.front_door.believes_everybody();
        // The ports first: two servers on one port is the more common mistake, and the
        // data is then left alone.
        let bind = |address| Listener::bind(address).map_err(|error| StartError::Listen { address, error });
        let listener = bind(settings.listen)?;
        let operators = settings.operator_listen.map(bind).transpose()?;
        let address = listener.address();
        let mut presence: Arc<dyn PresenceBus> = Arc::new(LocalBus);
        let mut leases: Arc<dyn Leases> = Arc::new(LocalLeases::new(settings.leases));
        let revocations;
        let log: Arc<dyn OpLog> = match settings.storage {
            Storage::Memory => {
                revocations = Revocations::new(MemoryRevocations::new(settings.revocations));
                Arc::new(MemoryLog::new())
            }
            Storage::Folder(folder) => {
                let log =
                    DiskLog::open(DiskSettings::new(folder.clone())).map_err(|error| StartError::Data { error })?;
                // The folder is ours now: the log has locked it.
                revocations = Revocations::new(DiskRevocations::open(&folder, settings.revocations)?);
                Arc::new(log)
            }
            Storage::Redis(mut redis) => {
                redis.metrics = Arc::clone(&metrics.log);
                check(&redis)?;
                let log = RedisLog::new(*redis);
                presence = Arc::new(log.presence_bus());
                leases = Arc::new(log.leases(settings.leases));
                revocations = Revocations::new(log.revocations(settings.revocations));
                Arc::new(log)
            }
        };
        let clock = Clock::start();
        let formats = settings.formats;
        let hub = Hub::new(HubParts {
            settings: settings.hub,
            room: settings.room,
            limits: settings.limits,
            log: Arc::clone(&log),
            presence,
            clock,
            wall_clock: settings.clock,
            metrics: Arc::clone(&metrics.rooms),
            // The one place that says which kind of documents this server keeps.
            spawn: Box::new(move |seed| {
                let format = formats.of(&seed.document);
                spawn_room::<RichText>(seed, format);
            }),
        });
        let access = Arc::new(RevocableAccess::new(access, revocations.clone()));
        let socket = SocketContext {
            access,
            hub,
            registry: Registry::default(),
            leases,
            revocations,
            limits: settings.limits,
            settings: settings.connection,
            durability: class(log.durability()),
            clock,
            metrics: metrics.clone(),
        };
        let arrivals = Arc::new(Arrivals::new(&settings.arrivals));
        warn_of_open_files(arrivals.most());
        let context = Arc::new(HttpContext {
            socket: Arc::new(socket),
            health: Health::new(),
            metrics,
            draining: AtomicBool::new(false),
            tokens: settings.api_key.clone().zip(minter).map(|(api_key, minter)| TokenDesk { api_key, minter }),
            api_key: settings.api_key,
            exports: Semaphore::new(EXPORTS),
            origins: OriginRule { local, ..settings.origins },
            arrivals: Arc::clone(&arrivals),
        });
        let mut routes = public_routes(settings.pages.as_deref(), settings.package.as_deref())
            .map_err(|(folder, error)| StartError::Files { folder: folder.to_owned(), error })?;
        let handshake = Duration::from_millis(settings.handshake_ms);
        let door = |listener: Listener, arrivals, routes| {
            let metrics = Arc::clone(&context.metrics.front);
            let reception = Arc::new(Reception { arrivals, handshake, metrics });
            Door { listener, reception, router: finish(routes, Arc::clone(&context)) }
        };
        let mut doors = Vec::new();
        match operators {
            None => routes = routes.merge(operator_routes()),
            Some(listener) => {
                tracing::info!(address = %listener.address(), "operators are answered");
                let most = ArrivalSettings {
                    connections: Some(OPERATORS),
                    strangers: OPERATORS,
                    ..ArrivalSettings::default()
                };
                doors.push(door(listener, Arc::new(Arrivals::new(&most)), operator_routes()));
            }
        }
        doors.push(door(listener, arrivals, routes));
        Ok(Server { doors, address, context, log, shutdown: settings.shutdown, exporter })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `end` is ready, then goes down as [`ShutdownSettings`] say: no edit
    /// that was taken is lost, snapshots are stored, and the log is closed.
    pub async fn run(self, end: impl Future<Output = ()>) {
        let Server { doors, context, log, shutdown, exporter, .. } = self;
        let exporting = exporter.map(|exporter| tokio::spawn(exporter.run()));
        // Nobody is let in by a token that was revoked before this server started.
        let revocations = context.socket.revocations.clone();
        let mut serving = JoinSet::new();
        for Door { listener, reception, router } in doors {
            let revocations = revocations.clone();
            serving.spawn(async move {
                revocations.ready().await;
                listener.serve(reception, router).await;
            });
        }
        let watching = tokio::spawn(watch_log(Arc::clone(&context), Arc::clone(&log)));
        end.await;
        context.draining.store(true, Ordering::Relaxed);
        go_down(&context.socket.hub, &context.socket.registry, shutdown).await;
        // It served health checks until now, and nothing else.
        serving.shutdown().await;
        watching.abort();
        let _ = watching.await;
        let closed = tokio::task::spawn_blocking(move || drop((context, log))).await;
        if let Some(exporting) = exporting {
            // It ends by itself, since whoever had spans to give is gone; a collector that hangs is left.
            let _ = tokio::time::timeout(LAST_SPANS, exporting).await;
        }
        tracing::info!(clean = closed.is_ok(), "down");
    }
}

/// Keeps asking the log whether it would take an append.
async fn watch_log(context: Arc<HttpContext>, log: Arc<dyn OpLog>) {
    let question = || async { log.probe().await.map_err(|error| error.to_string()) };
    context.health.watch(question).await;
}

/// Who says who a user is, if the settings let anybody in there.
pub(crate) fn access(settings: &Settings) -> Result<Arc<dyn Access>, StartError> {
    let address = settings.listen;
    match &settings.front_door {
        FrontDoor::Closed => Err(StartError::NoFrontDoor),
        FrontDoor::Contradictory => Err(StartError::TwoFrontDoors),
        FrontDoor::Tokens(auth) => {
            let access = JwtAccess::new((**auth).clone()).map_err(|error| StartError::Certificates { error })?;
            Ok(Arc::new(access))
        }
        FrontDoor::Developer if !address.ip().is_loopback() => Err(StartError::NotLoopback { address }),
        FrontDoor::Developer => Ok(Arc::new(DeveloperAccess)),
        FrontDoor::DeveloperAnywhere => {
            if !address.ip().is_loopback() {
                tracing::warn!(%address, "UNSAFE: whoever can reach this address may be anybody and edit everything");
            }
            Ok(Arc::new(DeveloperAccess))
        }
    }
}

/// Says so if the system does not let as many connections be open as may come.
fn warn_of_open_files(most: u32) {
    match open_file_limit() {
        Some(files) if u64::from(most) >= files => tracing::warn!(
            connections = most,
            open_files = files,
            "fewer files may be open than connections are let in: raise `ulimit -n`, or lower --connections"
        ),
        _ if most < ArrivalSettings::CONNECTIONS => tracing::info!(connections = most, "most connections at one time"),
        _ => {}
    }
}

fn class(durability: Durability) -> DurabilityClass {
    match durability {
        Durability::None => DurabilityClass::None,
        Durability::Disk => DurabilityClass::Disk,
        Durability::Replicated(replicas) => DurabilityClass::Replicated(replicas),
        Durability::Fsynced => DurabilityClass::Fsynced,
    }
}

fn remedy(error: &OpenFolderError) -> &'static str {
    match error {
        OpenFolderError::Locked { .. } => "the folder is locked: stop that server, or choose another folder by --data",
        OpenFolderError::NotWritable { .. } => "give this user the right to write there, or choose another by --data",
        OpenFolderError::Full { .. } => "make room on the disk, or choose another folder by --data",
        OpenFolderError::NewerFormat { .. } => "start the newer server that wrote it",
        OpenFolderError::Damaged { .. } => "restore a backup, or choose another folder by --data",
        _ => "choose another folder by --data",
    }
}
