//! Going down so that nothing is lost and nobody is surprised.

use std::time::Duration;

use cowrite_protocol::frame::Code;
use tokio::time::{Instant, timeout, timeout_at};

use crate::connection::Registry;
use crate::hub::Hub;
use crate::settings::ShutdownSettings;

/// Whoever leaves at the very end of the spread has heard of it later, and is heard later. To be sent
/// away costs a client another wait of that length.
const ON_THE_WAY: Duration = Duration::from_secs(1);

/// Ends all rooms and connections, in the order in which nothing is lost:
///
/// 1. no room takes a submit any more; clients are told to connect elsewhere, and those
///    that do not leave by themselves stay connected for what follows;
/// 2. every submit that was taken is settled, and its author's ack is queued;
/// 3. connections are closed behind what waits for them;
/// 4. rooms, which nobody has open now, store their snapshots and end.
///
/// It takes `deadline_ms` at most; what was acknowledged is in the log anyway.
pub(crate) async fn go_down(hub: &Hub, registry: &Registry, settings: ShutdownSettings) {
    let deadline = Instant::now() + Duration::from_millis(settings.deadline_ms);
    tracing::info!(connections = registry.count(), rooms = hub.rooms(), "going down");
    hub.drain();
    registry.go_away(settings.spread_ms);

    let spread = Duration::from_millis(u64::from(settings.spread_ms));
    let leave = async {
        // Whoever is still here then is sent away.
        let _ = timeout(spread + ON_THE_WAY, registry.empty()).await;
    };
    let settle = async { tokio::join!(hub.settled(), leave) };
    if timeout_at(deadline, settle).await.is_err() {
        tracing::warn!("some edits are not settled in time; their clients send them again");
    }

    registry.end(Code::GoingAway, settings.spread_ms);
    if timeout_at(deadline, registry.empty()).await.is_err() {
        tracing::warn!(connections = registry.count(), "some connections did not close in time");
    }
    if timeout_at(deadline, hub.empty()).await.is_err() {
        tracing::warn!(rooms = hub.rooms(), "some documents were not stored as snapshots in time; nothing is lost");
    }
}

/// Ends when the process is asked to: SIGTERM or SIGINT.
///
/// # Errors
/// If the system does not let us listen for signals.
#[cfg(unix)]
pub fn asked_to_end() -> std::io::Result<impl Future<Output = &'static str>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    })
}

/// Ends when the process is asked to: Ctrl-C.
///
/// # Errors
/// Never here.
#[cfg(not(unix))]
pub fn asked_to_end() -> std::io::Result<impl Future<Output = &'static str>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        "Ctrl-C"
    })
}
