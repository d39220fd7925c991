//! The document as it is, for whoever asks once, without opening it.

use cowrite_protocol::frame::Code;
use cowrite_protocol::{DocumentType, Version};
use tokio::sync::oneshot;

use super::Room;
use super::loading::Phase;
use crate::auth::{Action, Permit};

/// A wish to read the document once.
#[derive(Debug)]
pub struct ExportCommand {
    /// What who asks may do.
    pub permit: Permit,
    /// Where the answer goes. Nobody may wait for it any more.
    pub answer: oneshot::Sender<Result<Exported, Code>>,
}

/// A document at one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The version.
    pub version: Version,
    /// The content, in the JSON form of its kind; for text, Quill's Delta.
    pub content: String,
}

impl<D: DocumentType> Room<D> {
    pub(super) fn handle_export(&mut self, command: ExportCommand) {
        match self.phase {
            Phase::Damaged => drop(command.answer.send(Err(Code::Damaged))),
            Phase::Failed => {
                self.exports.push(command);
                self.load();
            }
            _ => self.exports.push(command),
        }
    }

    /// Answers everybody who asked, with one walk through the document.
    pub(super) fn answer_exports(&mut self) {
        if self.exports.is_empty() {
            return;
        }
        if self.is_deleted() {
            return self.refuse_exports(Code::Deleted);
        }
        let version = self.sequencer.head().version;
        let mut content = None;
        for ExportCommand { permit, answer } in std::mem::take(&mut self.exports) {
            if let Err(code) = permit.allows(Action::Read, self.now) {
                self.meter.denied(Action::Read);
                drop(answer.send(Err(code)));
                continue;
            }
            let content = content.get_or_insert_with(|| D::to_json(self.sequencer.document()));
            drop(answer.send(Ok(Exported { version, content: content.clone() })));
        }
    }

    /// The document cannot be loaded now, or not at all.
    pub(super) fn refuse_exports(&mut self, code: Code) {
        for ExportCommand { answer, .. } in std::mem::take(&mut self.exports) {
            drop(answer.send(Err(code)));
        }
    }
}
