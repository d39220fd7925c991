//! A document that grows old faster than by clients that have a text.

use cowrite_protocol::frame::ServerFrame;
use cowrite_protocol::text::Utf16Length;
use cowrite_protocol::{Channel, Operation};
use cowrite_tests::raw::{RawClient, packed, submit};
use cowrite_tests::server::mint;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::scenario::Scenario;

/// So far from the end edits stay, since others may just have deleted what was there.
const MARGIN: usize = 200;

/// As `bench/peers/load/history.mjs` does it: by turns a letter is inserted and one deleted, at places all over the
/// document `old`. The `writers` share the edits; each waits until its last is accepted. `from` is the number of the
/// first edit, `units` the length of the text, which a `fresh` document is given first.
pub(super) async fn grow(scenario: &Scenario) -> Value {
    let writers = scenario.writers.max(1);
    let mut all = Vec::new();
    for number in 0..writers {
        let mut writer = Writer::open(scenario, number).await;
        if scenario.fresh && number == 0 && scenario.from == 0 {
            writer.write(&Operation::builder().insert(&"x".repeat(scenario.units)).build()).await;
        }
        all.push(writer);
    }
    let edits = scenario.from..scenario.from + scenario.edits;
    join_all(all.iter_mut().enumerate().map(async |(number, writer)| {
        for edit in edits.clone().filter(|edit| edit % writers == number) {
            let at = Utf16Length((edit * 7919 % (scenario.units - MARGIN)) as u32);
            let mut operation = Operation::builder();
            // Each by turns, so that no writer who is ahead of the others makes the text much longer or shorter.
            if (edit / writers + number).is_multiple_of(2) {
                operation.retain(at).insert("x");
            } else {
                operation.retain(at).delete(Utf16Length(1));
            }
            writer.write(&operation.build()).await;
        }
    }))
    .await;
    json!({ "edits": scenario.edits })
}

/// A connection that knows how far it has read, and nothing of the text.
struct Writer {
    client: RawClient,
    channel: Channel,
    seq: u64,
    version: u64,
}

impl Writer {
    async fn open(scenario: &Scenario, number: usize) -> Writer {
        let token = mint(&format!("grow{number}"), &[("*", "editor")]);
        let mut client = RawClient::greeted(scenario.address(), &token).await;
        let channel = client.open("old").await;
        let mut writer = Writer { client, channel, seq: 0, version: 0 };
        writer.read(|frame| matches!(frame, ServerFrame::Snapshot(_))).await;
        writer
    }

    /// Sends an edit and waits until it is accepted.
    async fn write(&mut self, operation: &Operation) {
        self.seq += 1;
        let operation = packed(operation);
        self.client.say(&[submit(self.channel, self.seq, self.version, &operation)]).await;
        self.read(|frame| matches!(frame, ServerFrame::Ack { .. })).await;
    }

    /// Reads up to such a frame.
    async fn read(&mut self, wanted: impl Fn(&ServerFrame<'_>) -> bool) {
        let version = &mut self.version;
        self.client
            .hear(|frame| {
                match frame {
                    ServerFrame::Snapshot(snapshot) => *version = snapshot.version.get(),
                    ServerFrame::Composed { version: reached, .. } => *version = reached.get(),
                    ServerFrame::Ack { .. }
                    | ServerFrame::Commit(_)
                    | ServerFrame::CommitStill(_)
                    | ServerFrame::CommitCursor { .. }
                    | ServerFrame::Entry { .. } => *version += 1,
                    ServerFrame::Reject { code, .. } | ServerFrame::Closed { code, .. } => {
                        panic!("an edit is refused: {code:?}")
                    }
                    _ => {}
                }
                wanted(frame).then_some(())
            })
            .await;
    }
}
