//! Who comes in from the network, before anybody knows who they are: counted, and turned
//! away where there are too many. Tasks of the listener and of connections hold the places.

mod address;
mod arrival;
mod open_files;
mod proxies;
mod settings;

pub use address::AddressBlock;
pub use arrival::{Arrival, Arrivals, Crowded};
pub use open_files::{most_connections, open_file_limit};
pub use proxies::{ParseProxiesError, TrustedProxies};
pub use settings::ArrivalSettings;
