//! What becomes of messages that Redis publishes.

use tokio::sync::watch;

use super::resp::is_published;
use super::weather::Weather;

/// What becomes of messages that Redis publishes, on their way down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Live {
    /// They arrive.
    #[default]
    Whole,
    /// None does.
    Lost,
    /// Each arrives twice.
    Doubled,
    /// Each second one arrives before the one before it.
    Swapped,
}

/// Does it to the messages of one connection.
#[derive(Debug)]
pub(super) struct Spoiler {
    weather: watch::Receiver<Weather>,
    /// One that comes after the next.
    held: Option<Vec<u8>>,
}

impl Spoiler {
    pub(super) fn new(weather: watch::Receiver<Weather>) -> Spoiler {
        Spoiler { weather, held: None }
    }

    /// Passes on a message that nobody has asked for.
    pub(super) fn pass(&mut self, push: Vec<u8>, passed: &mut Vec<u8>) {
        let live = if is_published(&push) { self.weather.borrow().live } else { Live::Whole };
        match live {
            Live::Whole => {
                passed.extend(push);
                passed.extend(self.held.take().unwrap_or_default());
            }
            Live::Lost => {}
            Live::Doubled => {
                passed.extend(&push);
                passed.extend(push);
            }
            Live::Swapped => match self.held.take() {
                Some(held) => {
                    passed.extend(push);
                    passed.extend(held);
                }
                None => self.held = Some(push),
            },
        }
    }
}
