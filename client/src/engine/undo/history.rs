//! What can be undone and redone, and which edits belong together.

use cowrite_protocol::{DocumentType, Millis};

use super::Direction;
use super::kind::Kind;
use super::stack::Stack;
use super::step::Step;

/// How edits are grouped for undo, and how many groups are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UndoSettings {
    /// Edits of one kind with less than this between them are undone together. Default 500.
    pub pause_ms: u64,
    /// At most this many groups are kept, at least one. Default 200.
    pub entries: usize,
    /// At most about this much is kept, in packed bytes; the newest group stays, however
    /// large it is. Default 4 MiB.
    pub bytes: usize,
}

impl Default for UndoSettings {
    fn default() -> UndoSettings {
        UndoSettings { pause_ms: 500, entries: 200, bytes: 4 << 20 }
    }
}

/// A group that has grown to this takes no more in: each edit costs what the group has.
const GROUP_BYTES: usize = 4 << 10;

/// What can be undone and redone. It lives as long as the engine, across all connections.
#[derive(Clone, Debug)]
pub(in crate::engine) struct History<D: DocumentType> {
    undo: Stack<D>,
    redo: Stack<D>,
    /// What the last step to undo is of, and when it last grew; `None` if it may not grow.
    group: Option<(Kind, Millis)>,
    pub(super) settings: UndoSettings,
}

impl<D: DocumentType> History<D> {
    pub(in crate::engine) fn new() -> History<D> {
        History { undo: Stack::new(), redo: Stack::new(), group: None, settings: UndoSettings::default() }
    }

    /// Whether there is something to undo, and something to redo.
    pub(in crate::engine) fn can(&self) -> (bool, bool) {
        (!self.undo.is_empty(), !self.redo.is_empty())
    }

    pub(in crate::engine) fn clear(&mut self) {
        self.undo.clear();
        self.redo.clear();
        self.group = None;
    }

    pub(super) fn stop_capturing(&mut self) {
        self.group = None;
    }

    /// Takes in an edit; without a moment it is a group of its own.
    pub(super) fn record(&mut self, step: Step<D>, kind: Kind, now: Option<Millis>) {
        self.redo.clear();
        let group = self.group.take();
        self.group = now.map(|now| (kind, now));
        if let (Some((last, at)), Some(now)) = (group, now)
            && kind.continues(last)
            && now - at < self.settings.pause_ms
            && let Some(top) = self.undo.top_mut()
            && top.bytes < GROUP_BYTES
            && top.join(&step).is_ok()
        {
            if D::is_identity(&top.operation) {
                self.undo.pop();
            }
            return;
        }
        self.undo.push(step);
        self.undo.bound(&self.settings);
    }

    /// The step that goes next in this direction.
    pub(super) fn take(&mut self, direction: Direction) -> Option<Step<D>> {
        self.group = None;
        self.stack(direction).pop()
    }

    /// The step that was taken could not be done.
    pub(super) fn put_back(&mut self, direction: Direction, step: Step<D>) {
        self.stack(direction).push(step);
    }

    /// The step that was taken is done; this reverses it.
    pub(super) fn put(&mut self, direction: Direction, reversed: Step<D>) {
        self.stack(match direction {
            Direction::Back => Direction::Forth,
            Direction::Forth => Direction::Back,
        })
        .push(reversed);
    }

    /// The text that the user sees was changed by somebody else.
    pub(in crate::engine) fn carry(&mut self, change: &D::Operation) {
        self.undo.carry(change);
        self.redo.carry(change);
    }

    /// Somebody else's writes, on the text that the user sees, lost to the user's own.
    pub(in crate::engine) fn yield_to(&mut self, writes: &D::Operation) {
        if !D::is_identity(writes) {
            self.undo.yield_to(writes);
            self.redo.yield_to(writes);
        }
    }

    /// Work of the edits from the first to the last of these is taken back out of the text `seen`, by `back`.
    pub(in crate::engine) fn reject(&mut self, edits: (u64, u64), seen: &D::Document, back: &D::Operation) {
        self.group = None;
        self.undo.reject(edits, seen, back);
        self.redo.reject(edits, seen, back);
    }

    fn stack(&mut self, direction: Direction) -> &mut Stack<D> {
        match direction {
            Direction::Back => &mut self.undo,
            Direction::Forth => &mut self.redo,
        }
    }
}
