//! Work that the log has not accepted yet.

use alloc::sync::Arc;

use cowrite_protocol::error::{ApplyError, ComposeError};
use cowrite_protocol::{ClientSeq, DocumentType, OperationLimits};

use super::layers::Layers;

/// The operation on its way. What it holds is fixed once it was sent: no later edit
/// ever joins it; only its form is rebased.
#[derive(Clone, Debug)]
pub(super) struct InFlight<D: DocumentType> {
    pub(super) seq: ClientSeq,
    /// As rebased to the version that the engine stands at.
    pub(super) operation: Arc<D::Operation>,
    /// The last edit that is settled once this is.
    pub(super) last_edit: u64,
    /// The last edit of which it may hold a part: a later one if more pieces follow.
    pub(super) reaches: u64,
    /// Whether the copy that stands on the engine's version is on its way.
    pub(super) sent: bool,
    /// How often it was carried over several entries at once since this page has it: one after the other
    /// they may lead to another form.
    pub(super) leaps: u32,
}

/// Edits that wait on top of what is in flight. Whatever meets the log's operations or leaves the
/// engine is one operation of them all.
#[derive(Clone, Debug)]
pub(super) struct Buffer<D: DocumentType> {
    pub(super) edits: Layers<D>,
    /// The last edit that it holds.
    pub(super) last_edit: u64,
}

/// The states of an engine. At most one operation is in flight.
#[derive(Clone, Debug)]
pub(super) enum Pending<D: DocumentType> {
    /// The text is the log's.
    Synchronized,
    /// Nothing is in flight, since nothing could be sent; edits wait.
    Buffering { buffer: Buffer<D> },
    /// One operation is in flight.
    AwaitingAck { in_flight: InFlight<D> },
    /// One operation is in flight, and edits wait behind it.
    AwaitingWithBuffer { in_flight: InFlight<D>, buffer: Buffer<D> },
}

impl<D: DocumentType> Pending<D> {
    /// Takes in a local edit, made on the text with all that is pending.
    pub(super) fn add(&mut self, operation: &D::Operation, edit: u64) -> Result<(), ComposeError> {
        match self {
            Pending::Buffering { buffer } | Pending::AwaitingWithBuffer { buffer, .. } => {
                buffer.edits.push(operation)?;
                buffer.last_edit = edit;
            }
            Pending::Synchronized | Pending::AwaitingAck { .. } => {
                let buffer = Buffer { edits: Layers::of(operation.clone()), last_edit: edit };
                *self = match self.take() {
                    (Some(in_flight), _) => Pending::AwaitingWithBuffer { in_flight, buffer },
                    (None, _) => Pending::Buffering { buffer },
                };
            }
        }
        Ok(())
    }

    /// Makes one operation of all that waits, and says whether it is one now: it always is.
    pub(super) fn settle_buffer(&mut self) -> bool {
        self.buffer_mut().is_none_or(|buffer| buffer.edits.settle())
    }

    /// Carries all that is pending over an operation of the log.
    pub(super) fn carry_over(&mut self, committed: &D::Operation) -> Carried<D> {
        // Of several the text would come out otherwise than of the one that will be sent.
        self.settle_buffer();
        let (mut operation, mut overridden) = (committed.clone(), D::identity());
        for pending in self.operations_mut() {
            let lost = D::overridden(&operation, pending);
            let carried;
            (operation, carried) = D::transform(&operation, pending);
            *pending = Arc::new(carried);
            // Writes only, so they follow one another whatever they are.
            let before = D::transform(pending, &overridden).1;
            overridden = D::compose(&before, &lost).unwrap_or(lost);
        }
        Carried { operation, overridden }
    }

    /// What is in flight was carried over several entries at once, and is to be sent in that form; no copy
    /// of it on its way is taken any more.
    pub(super) fn leap(&mut self) {
        if let Some(in_flight) = self.in_flight_mut() {
            in_flight.sent = false;
            in_flight.leaps += 1;
        }
    }

    /// Takes the operation in flight away and gives the operation that takes it back from
    /// the text with all that is pending. `server` is the text of the version that the
    /// engine stands at. The buffer stays, rebased as if that operation had never been.
    pub(super) fn take_back(
        &mut self,
        server: &D::Document,
    ) -> Result<Option<(InFlight<D>, D::Operation)>, ApplyError> {
        let Some(in_flight) = self.in_flight() else { return Ok(None) };
        let inverse = D::invert(&in_flight.operation, server)?;
        let (Some(in_flight), buffer) = self.take() else { return Ok(None) };
        let mut taken_back = inverse;
        if let Some(mut buffer) = buffer {
            buffer.edits.settle();
            for operation in buffer.edits.operations_mut() {
                let left;
                (taken_back, left) = D::transform(&taken_back, operation);
                *operation = Arc::new(left);
            }
            *self = Pending::Buffering { buffer };
        }
        Ok(Some((in_flight, taken_back)))
    }

    /// Edits are counted from a higher number on.
    pub(super) fn count_on(&mut self, edits: u64) {
        if let Some(in_flight) = self.in_flight_mut() {
            in_flight.last_edit += edits;
            in_flight.reaches += edits;
        }
        if let Some(buffer) = self.buffer_mut() {
            buffer.last_edit += edits;
        }
    }

    /// The operation in flight was accepted: takes it away and leaves the buffer.
    pub(super) fn settle(&mut self) -> Option<InFlight<D>> {
        let (in_flight, buffer) = self.take();
        if let Some(buffer) = buffer {
            *self = Pending::Buffering { buffer };
        }
        in_flight
    }

    /// Puts what waits in flight under `seq`, if nothing is; a buffer over the limits is
    /// split by place, and its first piece goes. A buffer that composed to nothing goes
    /// nowhere. `accepted` is the last edit that was accepted before.
    pub(super) fn seal(&mut self, seq: ClientSeq, limits: &OperationLimits, accepted: u64) -> Sealed {
        let Pending::Buffering { buffer } = self else { return Sealed::Nothing };
        let last_edit = buffer.last_edit;
        buffer.edits.settle();
        if buffer.edits.operations().all(|edits| D::is_identity(edits)) {
            *self = Pending::Synchronized;
            return Sealed::Vanished { last_edit };
        }
        let (operation, others) = buffer.edits.split(limits);
        *self = match others {
            // The edits of a split buffer are accepted when its last piece is.
            Some(edits) => Pending::AwaitingWithBuffer {
                in_flight: InFlight { seq, operation, last_edit: accepted, reaches: last_edit, sent: false, leaps: 0 },
                buffer: Buffer { edits, last_edit },
            },
            None => Pending::AwaitingAck {
                in_flight: InFlight { seq, operation, last_edit, reaches: last_edit, sent: false, leaps: 0 },
            },
        };
        Sealed::InFlight
    }

    /// Puts the operation in flight, which was refused for its size, back in front of what
    /// waits; returns whether it could.
    pub(super) fn unseal(&mut self) -> bool {
        let (in_flight, buffer) = match self.take() {
            (Some(in_flight), buffer) => (in_flight, buffer),
            (None, Some(buffer)) => {
                *self = Pending::Buffering { buffer };
                return false;
            }
            (None, None) => return false,
        };
        let buffer = match buffer {
            None => Buffer { edits: Layers::of(in_flight.operation), last_edit: in_flight.last_edit },
            Some(mut buffer) => {
                buffer.edits.push_below(in_flight.operation);
                buffer
            }
        };
        *self = Pending::Buffering { buffer };
        true
    }

    pub(super) fn in_flight(&self) -> Option<&InFlight<D>> {
        match self {
            Pending::AwaitingAck { in_flight } | Pending::AwaitingWithBuffer { in_flight, .. } => Some(in_flight),
            _ => None,
        }
    }

    pub(super) fn in_flight_mut(&mut self) -> Option<&mut InFlight<D>> {
        match self {
            Pending::AwaitingAck { in_flight } | Pending::AwaitingWithBuffer { in_flight, .. } => Some(in_flight),
            _ => None,
        }
    }

    pub(super) fn buffer(&self) -> Option<&Buffer<D>> {
        match self {
            Pending::Buffering { buffer } | Pending::AwaitingWithBuffer { buffer, .. } => Some(buffer),
            _ => None,
        }
    }

    fn buffer_mut(&mut self) -> Option<&mut Buffer<D>> {
        match self {
            Pending::Buffering { buffer } | Pending::AwaitingWithBuffer { buffer, .. } => Some(buffer),
            _ => None,
        }
    }

    /// All pending operations in order.
    pub(super) fn operations(&self) -> impl Iterator<Item = &Arc<D::Operation>> {
        let in_flight = self.in_flight().map(|in_flight| &in_flight.operation);
        in_flight.into_iter().chain(self.buffer().into_iter().flat_map(|buffer| buffer.edits.operations()))
    }

    fn operations_mut(&mut self) -> impl Iterator<Item = &mut Arc<D::Operation>> {
        let (in_flight, buffer) = match self {
            Pending::Synchronized => (None, None),
            Pending::Buffering { buffer } => (None, Some(buffer)),
            Pending::AwaitingAck { in_flight } => (Some(in_flight), None),
            Pending::AwaitingWithBuffer { in_flight, buffer } => (Some(in_flight), Some(buffer)),
        };
        let in_flight = in_flight.map(|in_flight| &mut in_flight.operation);
        in_flight.into_iter().chain(buffer.into_iter().flat_map(|buffer| buffer.edits.operations_mut()))
    }

    fn take(&mut self) -> (Option<InFlight<D>>, Option<Buffer<D>>) {
        match core::mem::replace(self, Pending::Synchronized) {
            Pending::Synchronized => (None, None),
            Pending::Buffering { buffer } => (None, Some(buffer)),
            Pending::AwaitingAck { in_flight } => (Some(in_flight), None),
            Pending::AwaitingWithBuffer { in_flight, buffer } => (Some(in_flight), Some(buffer)),
        }
    }
}

/// An operation of the log as it is to the text with all that is pending.
#[derive(Clone, Debug)]
pub(super) struct Carried<D: DocumentType> {
    /// What it does to that text.
    pub(super) operation: D::Operation,
    /// What it wrote that the pending work writes over, on the text after `operation`.
    pub(super) overridden: D::Operation,
}

/// What became of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sealed {
    /// Nothing waited, or something is in flight already.
    Nothing,
    /// What waited came to nothing.
    Vanished { last_edit: u64 },
    /// It is in flight now.
    InFlight,
}

#[cfg(test)]
mod tests {
    use cowrite_protocol::RichText;
    use cowrite_protocol::operation::{Document, Operation};

    use super::*;

    fn insert(text: &str) -> Operation {
        Operation::builder().insert(text).build()
    }

    fn waiting(text: &str) -> Pending<RichText> {
        let mut pending = Pending::Synchronized;
        pending.add(&insert(text), 1).unwrap();
        pending
    }

    fn all(pending: &Pending<RichText>) -> Vec<Operation> {
        pending.operations().map(|operation| (**operation).clone()).collect()
    }

    #[test]
    fn what_only_waits_is_not_taken_back() {
        let mut pending = waiting("a");
        assert!(pending.take_back(&Document::default()).unwrap().is_none());
        assert_eq!(all(&pending), [insert("a")]);
    }

    #[test]
    fn what_cannot_be_taken_back_stays() {
        let mut pending = waiting("a");
        pending.seal(ClientSeq::NONE.next(), &OperationLimits::default(), 0);
        let far = Operation::builder()
            .retain(cowrite_protocol::Utf16Length(9))
            .delete(cowrite_protocol::Utf16Length(1))
            .build();
        pending.in_flight_mut().unwrap().operation = far.into();
        assert!(pending.take_back(&Document::default()).is_err());
        assert!(pending.in_flight().is_some());
    }

    #[test]
    fn what_is_taken_back_leaves_what_waited_behind_it() {
        let mut pending = waiting("a");
        pending.seal(ClientSeq::NONE.next(), &OperationLimits::default(), 0);
        pending.add(&Operation::builder().retain(cowrite_protocol::Utf16Length(1)).insert("b").build(), 2).unwrap();
        let (in_flight, back) = pending.take_back(&Document::default()).unwrap().unwrap();
        assert_eq!(*in_flight.operation, insert("a"));
        assert_eq!(back, Operation::builder().delete(cowrite_protocol::Utf16Length(1)).build());
        assert_eq!(all(&pending), [insert("b")]);
    }

    #[test]
    fn a_refusal_for_size_puts_all_back_in_front() {
        let mut pending = waiting("a");
        pending.seal(ClientSeq::NONE.next(), &OperationLimits::default(), 0);
        pending.add(&Operation::builder().retain(cowrite_protocol::Utf16Length(1)).insert("b").build(), 2).unwrap();
        assert!(pending.unseal() && pending.in_flight().is_none());
        assert!(pending.settle_buffer());
        assert_eq!(all(&pending), [insert("ab")]);
    }

    #[test]
    fn edits_are_counted_on_in_flight_and_waiting() {
        let mut pending = waiting("a");
        pending.seal(ClientSeq::NONE.next(), &OperationLimits::default(), 0);
        pending.add(&insert("b"), 2).unwrap();
        pending.count_on(3);
        let numbers = |pending: &Pending<RichText>| {
            let sent = pending.in_flight().map(|in_flight| (in_flight.last_edit, in_flight.reaches));
            (sent, pending.buffer().map(|buffer| buffer.last_edit))
        };
        assert_eq!(numbers(&pending), (Some((4, 4)), Some(5)));
        pending.settle();
        pending.count_on(3);
        assert_eq!(numbers(&pending), (None, Some(8)));
    }
}
