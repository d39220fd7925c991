//! What a server would be started with, checked as far as that goes without starting it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::arrivals::{most_connections, open_file_limit};
use crate::http::{Listener, public_routes};
use crate::redis::check as check_redis;
use crate::server::{StartError, access};
use crate::settings::{FrontDoor, Settings, Storage};

/// What was found, a line each.
#[derive(Debug, Default)]
pub struct Report(Vec<(Verdict, String)>);

/// What a line means for who starts the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// As it should be.
    Good,
    /// The server starts, and may not do what was meant.
    Doubtful,
    /// The server does not start.
    Wrong,
}

impl Report {
    /// Whether a server would start.
    pub fn is_good(&self) -> bool {
        self.0.iter().all(|(verdict, _)| *verdict != Verdict::Wrong)
    }

    /// Something that is as it should be.
    pub(crate) fn good(&mut self, what: impl Into<String>) {
        self.0.push((Verdict::Good, what.into()));
    }

    /// Something that may not be what was meant.
    pub(crate) fn doubt(&mut self, what: impl Into<String>) {
        self.0.push((Verdict::Doubtful, what.into()));
    }

    /// Something for which the server does not start.
    pub(crate) fn wrong(&mut self, what: impl fmt::Display) {
        self.0.push((Verdict::Wrong, what.to_string()));
    }

    fn note(&mut self, outcome: Result<String, impl fmt::Display>) {
        match outcome {
            Ok(good) => self.good(good),
            Err(error) => self.wrong(error),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (verdict, what) in &self.0 {
            let verdict = match verdict {
                Verdict::Good => "ok     ",
                Verdict::Doubtful => "warning",
                Verdict::Wrong => "ERROR  ",
            };
            writeln!(f, "{verdict}  {what}")?;
        }
        Ok(())
    }
}

/// Checks the settings: whether ports are free, folders can be read or written, Redis can
/// be reached and keeps what is promised, and whether settings contradict each other. What
/// was tried is undone: no port stays taken, no data is made or changed.
///
/// Must be called in a tokio runtime. Blocks: milliseconds, and for as long as Redis takes.
pub fn check(settings: &Settings) -> Report {
    let mut report = Report::default();
    report.note(access(settings).map(|_| who_is_let_in(&settings.front_door).to_owned()));
    check_addresses(settings, &mut report);
    check_arrivals(settings, &mut report);
    check_origins(settings, &mut report);
    check_storage(settings, &mut report);
    let folders = public_routes(settings.pages.as_deref(), settings.package.as_deref());
    match folders {
        Ok(_) => {
            let named = [("--static", &settings.pages), ("--package", &settings.package)];
            for (flag, folder) in named {
                if let Some(folder) = folder {
                    report.good(format!("{flag}: serves the files in {}", folder.display()));
                }
            }
        }
        Err((folder, error)) => report.wrong(StartError::Files { folder: folder.to_owned(), error }),
    }
    check_formats(settings, &mut report);
    check_times(settings, &mut report);
    report
}

fn who_is_let_in(front_door: &FrontDoor) -> &'static str {
    match front_door {
        FrontDoor::Developer => "--dev: developer mode, everybody on this machine may be anybody",
        FrontDoor::DeveloperAnywhere => {
            "--dev-unsafe-any-address: UNSAFE, whoever reaches the server may be anybody and edit everything"
        }
        FrontDoor::Tokens(_) => "tokens of the application say who a user is",
        FrontDoor::Closed | FrontDoor::Contradictory => "nobody is let in",
    }
}

fn check_addresses(settings: &Settings, report: &mut Report) {
    let addresses = [("--listen", Some(settings.listen)), ("--operator-listen", settings.operator_listen)];
    let mut taken = Vec::new();
    for (flag, address) in addresses {
        let Some(address) = address else { continue };
        match Listener::bind(address) {
            // Kept until all are tried: the same address twice is a mistake, too.
            Ok(listener) => taken.push(listener),
            Err(error) => {
                report.wrong(format!("{flag}: {}", StartError::Listen { address, error }));
                continue;
            }
        }
        report.good(format!("{flag}: {address} is free"));
    }
    if settings.operator_listen.is_none() && !settings.listen.ip().is_loopback() {
        report.doubt(
            "--operator-listen is not set: /metrics and /readyz are on the port of --listen, where a proxy must hide them",
        );
    }
}

fn check_arrivals(settings: &Settings, report: &mut Report) {
    let files = open_file_limit();
    let most = most_connections(settings.arrivals.connections, files);
    match files {
        Some(files) if u64::from(most) >= files => report.doubt(format!(
            "--connections: {most}, and only {files} files may be open: raise `ulimit -n` (LimitNOFILE) above it"
        )),
        Some(files) => report.good(format!("--connections: {most} at one time, {files} files may be open")),
        None => report.good(format!("--connections: {most} at one time")),
    }
    let arrivals = &settings.arrivals;
    report.good(format!(
        "--strangers: {} of one address at one time; --trusted-proxies: {}",
        arrivals.strangers, arrivals.proxies
    ));
}

fn check_origins(settings: &Settings, report: &mut Report) {
    let origins = &settings.origins;
    let local = settings.front_door.believes_everybody();
    if origins.allowed.is_empty() && !local {
        if origins.required {
            return report.wrong("--require-origin, and --allowed-origins names none: nobody could connect");
        }
        return report.doubt("--allowed-origins is not set: no browser is let in, programs only");
    }
    let mut named: Vec<String> = origins.allowed.iter().map(ToString::to_string).collect();
    if local {
        named.push("pages of this machine (--dev)".to_owned());
    }
    report.good(format!("--allowed-origins: {}", named.join(", ")));
}

fn check_storage(settings: &Settings, report: &mut Report) {
    match &settings.storage {
        Storage::Memory => report.doubt("--memory: documents are gone when the server ends"),
        Storage::Folder(folder) => {
            let can_be = try_to_write(folder).map(|()| format!("--data: {} can be written", folder.display()));
            report.note(can_be.map_err(|error| format!("--data: {} can not be written: {error}", folder.display())));
        }
        Storage::Redis(redis) => {
            let fit = check_redis(redis).map(|()| format!("--redis: {} answers and is fit", redis.url));
            report.note(fit.map_err(|error| format!("--redis: {error}")));
        }
    }
}

fn check_formats(settings: &Settings, report: &mut Report) {
    let formats = &settings.formats;
    report.good(format!("--formats: {formats}"));
    if formats.allows_anything() {
        report.doubt(
            "--formats allows anything in some documents: links that are programs, too; your application must not trust what they hold",
        );
    }
}

fn check_times(settings: &Settings, report: &mut Report) {
    let (connection, shutdown) = (&settings.connection, &settings.shutdown);
    if connection.ping_ms >= connection.silence_ms {
        report.doubt(format!(
            "--ping-ms {} is not below --silence-ms {}: clients are given up before they are asked",
            connection.ping_ms, connection.silence_ms
        ));
    }
    if u64::from(shutdown.spread_ms) > shutdown.deadline_ms {
        report.doubt(format!(
            "--spread-ms {} is above --shutdown-ms {}: clients are cut off before they may take leave",
            shutdown.spread_ms, shutdown.deadline_ms
        ));
    }
}

/// Writes a file into the folder and takes it away again; or into what the folder would be
/// made in, if it is not there.
fn try_to_write(folder: &Path) -> io::Result<()> {
    let mut there = folder.to_owned();
    while !there.try_exists()? {
        let parent = there.parent().filter(|parent| !parent.as_os_str().is_empty());
        there = parent.map_or_else(|| PathBuf::from("."), Path::to_owned);
    }
    if !there.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let tried = there.join(format!(".cowrite-check-{}", std::process::id()));
    std::fs::File::create_new(&tried)?;
    std::fs::remove_file(&tried)
}
