//! The program `cowrite-server`.

use std::io::{self, Write};
use std::process::ExitCode;

use cowrite_protocol::{DocumentId, Version};
use cowrite_server::check::check;
use cowrite_server::config::{Command, Config, TokenArgs};
use cowrite_server::logging;
use cowrite_server::oplog::redis::RedisLog;
use cowrite_server::server::Server;
use cowrite_server::settings::Storage;

/// Wrong flags and a start that fails end with this code; clap uses it too.
const START_FAILED: u8 = 2;

/// A health check that finds the server not well ends with this code.
const NOT_WELL: u8 = 1;

fn main() -> ExitCode {
    let config = Config::read();
    if let Some(check) = config.health_check() {
        return match check.ask() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let _ = writeln!(io::stderr(), "cowrite-server: {error}");
                ExitCode::from(NOT_WELL)
            }
        };
    }
    if let Some(user) = config.logged_user() {
        let _ = writeln!(io::stdout(), "{user}");
        return ExitCode::SUCCESS;
    }
    match config.command() {
        Some(Command::Token(token)) => return print_token(config, token),
        Some(Command::CheckConfig) | None => {}
    }
    // To the end, so that the last lines are written.
    let _log = match logging::start(config.logging()) {
        Ok(guard) => guard,
        Err(error) => return failed(&error.to_string()),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("cannot start: {error}")),
    };
    if let Some(Command::CheckConfig) = config.command() {
        return runtime.block_on(check_config(config));
    }
    match config.cut_log() {
        Some((document, until)) => runtime.block_on(cut_log(config, &document, until)),
        None => runtime.block_on(serve(config)),
    }
}

/// The token alone is on stdout, so that a script can take it.
fn print_token(config: Config, token: TokenArgs) -> ExitCode {
    let Some(minter) = config.minter() else {
        return failed("a token is signed with a secret: give COWRITE_JWT_SECRET or --jwt-secret-file");
    };
    let minting = token.minting();
    if minting.documents.is_empty() {
        let _ = writeln!(io::stderr(), "cowrite-server: the token opens no document by itself; see --document");
    }
    match minter.mint(&minting) {
        Ok(token) => {
            let _ = writeln!(io::stdout(), "{token}");
            ExitCode::SUCCESS
        }
        Err(error) => failed(&error.to_string()),
    }
}

/// What an operator does to a document that is quarantined.
async fn cut_log(config: Config, document: &DocumentId, until: Version) -> ExitCode {
    let Storage::Redis(redis) = config.settings().storage else {
        return failed("only a document in Redis can be cut; see --redis");
    };
    match RedisLog::new(*redis).cut(document, until).await {
        Ok(()) => {
            let _ = writeln!(io::stdout(), "{document} ends at version {until}; what was behind it is kept aside");
            ExitCode::SUCCESS
        }
        Err(error) => failed(&format!("{document} is not cut: {error}")),
    }
}

/// What an operator does before a server is started with new settings.
async fn check_config(config: Config) -> ExitCode {
    let report = check(&config.settings());
    let _ = write!(io::stdout(), "{report}");
    if report.is_good() { ExitCode::SUCCESS } else { ExitCode::from(START_FAILED) }
}

async fn serve(config: Config) -> ExitCode {
    // Before anything is opened: whoever asks us to end early is heard.
    let end = match cowrite_server::asked_to_end() {
        Ok(end) => end,
        Err(error) => return failed(&format!("cannot listen for signals: {error}")),
    };
    let server = match Server::bind(config.settings()) {
        Ok(server) => server,
        Err(error) => return failed(&error.to_string()),
    };
    // The one line on stdout; who started us may have stopped reading.
    let _ = writeln!(io::stdout(), "listening on http://{}", server.address());
    server
        .run(async move {
            let signal = end.await;
            tracing::info!(signal, "asked to end");
        })
        .await;
    ExitCode::SUCCESS
}

fn failed(why: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "cowrite-server: {why}");
    ExitCode::from(START_FAILED)
}
