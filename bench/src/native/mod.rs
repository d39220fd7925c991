//! A load in Rust: the same scenarios that `bench/peers/load` puts on a server from Node.js.

mod client;
mod grow;
mod hold;
mod kernel;
mod rooms;
mod saturation;
mod scenario;
mod typing;

use scenario::{Kind, Scenario};

/// Runs one scenario, given as JSON; prints what it measured as JSON. Ends the program if the texts
/// at the end are not what was typed.
pub(crate) async fn load(scenario: &str) {
    let scenario: Scenario = serde_json::from_str(scenario).expect("a scenario");
    let measured = match scenario.kind {
        Kind::Typing => typing::measure(&scenario).await,
        Kind::Saturation => saturation::measure(&scenario).await,
        Kind::Hold => hold::hold(&scenario).await,
        Kind::Rooms => rooms::measure(&scenario).await,
        Kind::Grow => grow::grow(&scenario).await,
    };
    println!("{measured}");
}
