//! A document that grows old faster than by a client that has a text.

use cowrite_protocol::Operation;
use cowrite_protocol::frame::ServerFrame;
use cowrite_protocol::text::Utf16Length;
use cowrite_tests::raw::{RawClient, packed};
use cowrite_tests::server::mint;
use serde_json::{Value, json};

use super::scenario::Scenario;

/// As `bench/peers/load/history.mjs` does it: by turns a letter is inserted and one deleted, at places all over the
/// document `old`, each edit accepted before the next. `from` is the number of the first edit, which is even, `units`
/// the length of the text, which a `fresh` document is given first.
pub(super) async fn grow(scenario: &Scenario) -> Value {
    let mut client = RawClient::greeted(scenario.address(), &mint("grow", &[("*", "editor")])).await;
    let channel = client.open("old").await;
    let mut version = client
        .hear(|frame| match frame {
            ServerFrame::Snapshot(snapshot) => Some(snapshot.version.get()),
            _ => None,
        })
        .await;
    let mut seq = 0;
    let mut submit = async |operation: Operation| {
        seq += 1;
        assert_eq!(client.submit(channel, seq, version, &packed(&operation)).await, None, "an edit is accepted");
        version += 1;
    };
    if scenario.from == 0 && scenario.fresh {
        submit(Operation::builder().insert(&"x".repeat(scenario.units)).build()).await;
    }
    for edit in 0..scenario.edits {
        let number = scenario.from + edit;
        let at = Utf16Length((number * 7919 % scenario.units) as u32);
        let mut operation = Operation::builder();
        if number.is_multiple_of(2) {
            operation.retain(at).insert("x");
        } else {
            operation.retain(at).delete(Utf16Length(1));
        }
        submit(operation.build()).await;
    }
    json!({ "edits": seq })
}
