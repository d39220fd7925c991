//! One edit's way through the servers, for a collector that speaks OTLP.
//!
//! Off unless an operator names a collector. Which edits are traced is decided by their identity
//! (document, client, client_seq) alone, and so are the ids of a trace: every server that meets the
//! edit adds to the same trace, and nothing of it is on our wire or in the log.

mod edit;
mod endpoint;
mod exporter;
mod json;
mod span;
mod tracer;

pub use edit::{AppendTimes, DeliveredEdit};
pub use endpoint::{Endpoint, EndpointError};
pub use exporter::Exporter;
pub use span::{Attribute, Span, SpanKind};
pub use tracer::{TraceSettings, Tracer, spans_dropped};
