//! What the server counts, for its operator.
//!
//! Each server has its own numbers, so several in one process do not mix. Whoever counts
//! holds a handle and does an atomic addition; nothing is looked up, locked or allocated.
//! No number bears a document, a user or a client: there could be millions of them, and
//! they are nobody's business who reads a dashboard. `docs/metrics.md` lists all names.

mod front;
mod happening;
mod instrument;
mod kinds;
mod log;
mod page;
mod process;
mod room;
mod server;
mod trail;

pub use front::{FrontMetrics, Rate, Refused, Revoked};
pub use happening::{CatchUp, LogOperation, Offered, OpenKind};
pub use instrument::{Counter, Gauge, Histogram};
pub use kinds::{Kind, Kinds};
pub use log::LogMetrics;
pub use process::{ProcessSample, unix_seconds};
pub use room::{RoomMeter, RoomMetrics};
pub use server::{Metrics, Sampled};
pub use trail::Trail;
