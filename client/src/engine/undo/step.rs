//! One group of edits, as the operation that undoes or redoes it.

use cowrite_protocol::error::ComposeError;
use cowrite_protocol::{Cursor, DocumentType};

use crate::engine::layers::Layers;

/// So much of others' work may wait above a step before the step is carried over it, as the weight of
/// layers counts it. Of one large change as much again may follow: carrying every step of a long
/// history over it at once would cost more than all else of a merge.
const WAITING_WEIGHT: u64 = 32;

/// One group; see the module.
#[derive(Clone, Debug)]
pub(super) struct Step<D: DocumentType> {
    /// Fits the text that the steps above leave once they are done, and once `over` is
    /// taken into account.
    pub(super) operation: D::Operation,
    /// What others did above this step that `operation` does not know yet, and the weight of what
    /// came first of it.
    over: Option<(Layers<D>, u64)>,
    /// The selection to show once the step is done.
    pub(super) to: Option<Cursor>,
    /// The selection to show once it is reversed.
    from: Option<Cursor>,
    /// The first and the last of the edits that its work stems from.
    edits: (u64, u64),
    /// About the memory that it takes.
    pub(super) bytes: usize,
}

impl<D: DocumentType> Step<D> {
    pub(super) fn new(operation: D::Operation, from: Option<Cursor>, to: Option<Cursor>, edit: u64) -> Step<D> {
        let bytes = D::packed_bytes(&operation);
        Step { operation, over: None, to, from, edits: (edit, edit), bytes }
    }

    /// The step that undoes this one, which `edit` did and `operation` undoes.
    pub(super) fn reversed(self, operation: D::Operation, edit: u64) -> Step<D> {
        let bytes = D::packed_bytes(&operation);
        Step { operation, over: None, to: self.from, from: self.to, edits: (self.edits.0, edit), bytes }
    }

    /// Whether it holds work of one of these edits.
    pub(super) fn stems_from(&self, edits: (u64, u64)) -> bool {
        self.edits.0 <= edits.1 && edits.0 <= self.edits.1
    }

    /// Makes one step of this one and a later one. Linear in both.
    pub(super) fn join(&mut self, later: &Step<D>) -> Result<(), ComposeError> {
        self.operation = D::compose(&later.operation, &self.operation)?;
        self.from.clone_from(&later.from);
        self.edits.1 = later.edits.1;
        self.bytes += later.bytes;
        Ok(())
    }

    /// Somebody else has done this above the step. Linear in the change, amortised.
    pub(super) fn wait_for(&mut self, change: D::Operation) -> Result<(), ComposeError> {
        match &mut self.over {
            _ if D::is_identity(&change) => {}
            Some((over, _)) => over.push(&change)?,
            None => {
                let over = Layers::of(change);
                let first = over.weight();
                self.over = Some((over, first));
            }
        }
        Ok(())
    }

    /// Whether little enough waits for it to wait on.
    pub(super) fn can_wait(&self) -> bool {
        self.over.as_ref().is_none_or(|(over, first)| over.weight() <= WAITING_WEIGHT.max(2 * first))
    }

    #[cfg(test)]
    pub(super) fn waits(&self) -> bool {
        self.over.is_some()
    }

    /// Carries the step over all that waits, and gives that as it is below the step. The
    /// others' attributes stay; at one place what comes back stands left of their insertions.
    /// Linear in the step and in what waits.
    pub(super) fn settle(&mut self) -> Result<D::Operation, ComposeError> {
        let Some((over, _)) = self.over.take() else { return Ok(D::identity()) };
        let over = over.into_one()?;
        let (operation, below) = D::transform(&self.operation, &over);
        self.operation = operation;
        if let Some(from) = &mut self.from {
            from.map::<D>(&over);
        }
        if let Some(to) = &mut self.to {
            to.map::<D>(&below);
        }
        Ok(below)
    }

    /// Somebody else wrote these attributes, and the user's own writes of them stand: what
    /// the step would put back are theirs, then. Gives the writes as they are below it.
    pub(super) fn yield_to(&mut self, writes: &D::Operation) -> Result<D::Operation, ComposeError> {
        let theirs = D::overridden(writes, &self.operation);
        let below = D::transform(&self.operation, writes).1;
        self.operation = D::compose(&self.operation, &theirs)?;
        Ok(below)
    }
}
