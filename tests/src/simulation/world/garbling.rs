//! Big frames that arrive with another content than they left with, under the old checksum.

use cowrite_protocol::DocumentType;
use cowrite_protocol::codec::{decode_server, encode_server};
use cowrite_protocol::frame::{Packed, ServerFrame};
use cowrite_protocol::operation::Operation;

use super::*;

/// A client that finds the second difference within a minute gives the document up.
const BETWEEN_MS: u64 = 70_000;

impl World {
    /// Perhaps puts something into a snapshot or a composed catch-up that nobody wrote.
    pub(super) fn garble(&mut self, client: usize, message: &mut Vec<u8>) {
        let due = self.clients[client].garbled_at.is_none_or(|at| self.now - at > BETWEEN_MS);
        if self.calm || !due || !self.garbling_chance.percent(self.scenario.garbled) {
            return;
        }
        if let Some(garbled) = garbled(message) {
            *message = garbled;
            self.clients[client].garbled_at = Some(self.now);
            self.report.garbled += 1;
        }
    }
}

/// The message with one more letter in its first big frame; `None` if there is no such frame.
fn garbled(message: &[u8]) -> Option<Vec<u8>> {
    let mut frames = decode_server(message, usize::MAX).collect::<Result<Vec<_>, _>>().ok()?;
    let content = frames.iter_mut().find_map(|frame| match frame {
        ServerFrame::Snapshot(snapshot) => Some(&mut snapshot.content),
        ServerFrame::Composed { operation, .. } => Some(operation),
        _ => None,
    })?;
    let operation = RichText::decode(content.0, &OperationLimits::NONE).ok()?;
    let wrong = Operation::compose(&operation, &Operation::builder().insert("§").build()).ok()?;
    let mut packed = Vec::new();
    wrong.encode(&mut packed);
    *content = Packed(&packed);
    let mut bytes = Vec::new();
    frames.iter().for_each(|frame| encode_server(frame, &mut bytes));
    Some(bytes)
}
