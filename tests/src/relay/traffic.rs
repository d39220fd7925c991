//! Whether anything is carried by a link.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::weather::Weather;

/// When something came to the link last, from either side.
#[derive(Clone)]
pub(super) struct Traffic(Arc<Mutex<Instant>>);

impl Traffic {
    /// It has just begun.
    pub(super) fn new() -> Traffic {
        Traffic(Arc::new(Mutex::new(Instant::now())))
    }

    /// Something came.
    pub(super) fn came(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Waits until nothing has come for as long as the weather lets a link be idle.
    pub(super) async fn has_ceased(&self, mut weather: watch::Receiver<Weather>) {
        loop {
            let idle: Option<Duration> = weather.borrow_and_update().most_idle;
            let changed = match idle.map(|idle| self.last() + idle) {
                Some(due) if due <= Instant::now() => return,
                Some(due) => tokio::select! {
                    () = sleep_until(due) => Ok(()),
                    changed = weather.changed() => changed,
                },
                None => weather.changed().await,
            };
            if changed.is_err() {
                // The relay is gone, and with it the link.
                return std::future::pending().await;
            }
        }
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
