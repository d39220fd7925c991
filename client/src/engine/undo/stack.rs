//! Steps on top of each other, kept fit for the text while others change it.

use alloc::vec::Vec;

use cowrite_protocol::DocumentType;
use cowrite_protocol::error::{ApplyError, ComposeError};

use super::history::UndoSettings;
use super::step::Step;

/// The last step fits the text as the user sees it and does something; each other fits
/// the text that the step above it leaves.
#[derive(Clone, Debug)]
pub(super) struct Stack<D: DocumentType> {
    steps: Vec<Step<D>>,
}

impl<D: DocumentType> Stack<D> {
    pub(super) const fn new() -> Stack<D> {
        Stack { steps: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.steps.clear();
    }

    pub(super) fn top_mut(&mut self) -> Option<&mut Step<D>> {
        self.steps.last_mut()
    }

    pub(super) fn push(&mut self, step: Step<D>) {
        // An edit that changed nothing leaves nothing to undo.
        if !D::is_identity(&step.operation) {
            self.steps.push(step);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Step<D>> {
        let step = self.steps.pop();
        self.carry(&D::identity());
        step
    }

    /// Drops the oldest steps that are too many. The newest stays, whatever its size.
    pub(super) fn bound(&mut self, settings: &UndoSettings) {
        let (mut kept, mut bytes) = (0, 0);
        for step in self.steps.iter().rev() {
            bytes += step.bytes;
            if kept > 0 && (kept >= settings.entries || bytes > settings.bytes) {
                break;
            }
            kept += 1;
        }
        self.steps.drain(..self.steps.len() - kept);
    }

    /// The text that the user sees was changed by somebody else. What concerns the steps
    /// below the top waits until there is more of it: the cost is that of a few steps,
    /// however many there are, and of the top alone where one change is large.
    pub(super) fn carry(&mut self, change: &D::Operation) {
        if !self.steps.is_empty() && self.try_carry(change.clone()).is_err() {
            self.clear();
        }
    }

    /// The user's own writes stand where somebody else's lost to them: from now on an undo
    /// leaves the others' there.
    pub(super) fn yield_to(&mut self, writes: &D::Operation) {
        if !self.steps.is_empty() && self.try_yield(writes).is_err() {
            self.clear();
        }
    }

    /// Work of these edits is taken back out of the text `seen`, by `back`: the steps that
    /// it stems from go, those below them fit what is left. Linear in the document.
    pub(super) fn reject(&mut self, edits: (u64, u64), seen: &D::Document, back: &D::Operation) {
        if !self.steps.iter().any(|step| step.stems_from(edits)) {
            return self.carry(back);
        }
        if self.try_reject(edits, seen, back).is_err() {
            self.clear();
        }
        self.carry(&D::identity());
    }

    fn try_carry(&mut self, mut change: D::Operation) -> Result<(), ComposeError> {
        let mut below = self.steps.len();
        while let Some(at) = below.checked_sub(1) {
            let is_top = below == self.steps.len();
            let step = &mut self.steps[at];
            step.wait_for(change)?;
            if !is_top && step.can_wait() {
                break;
            }
            change = step.settle()?;
            if D::is_identity(&step.operation) {
                self.steps.remove(at);
            }
            below = at;
        }
        Ok(())
    }

    fn try_yield(&mut self, writes: &D::Operation) -> Result<(), ComposeError> {
        let (mut change, mut writes) = (D::identity(), writes.clone());
        for step in self.steps.iter_mut().rev() {
            step.wait_for(change)?;
            change = step.settle()?;
            writes = step.yield_to(&writes)?;
        }
        self.try_carry(D::identity())
    }

    fn try_reject(&mut self, edits: (u64, u64), seen: &D::Document, back: &D::Operation) -> Result<(), Unfit> {
        // The text below each step, as the steps know it and as it is.
        let (mut known, mut real, mut change) = (seen.clone(), seen.clone(), back.clone());
        D::apply(&mut real, back)?;
        let mut below = D::identity();
        for at in (0..self.steps.len()).rev() {
            let step = &mut self.steps[at];
            step.wait_for(below)?;
            below = step.settle()?;
            D::apply(&mut known, &step.operation)?;
            if step.stems_from(edits) {
                self.steps.remove(at);
                change = D::diff(&known, &real);
                continue;
            }
            step.wait_for(change)?;
            change = step.settle()?;
            D::apply(&mut real, &step.operation)?;
        }
        Ok(())
    }
}

/// Steps that do not follow one another, which does not happen; nothing is undone wrongly
/// if it did.
struct Unfit;

impl From<ApplyError> for Unfit {
    fn from(_: ApplyError) -> Unfit {
        Unfit
    }
}

impl From<ComposeError> for Unfit {
    fn from(_: ComposeError) -> Unfit {
        Unfit
    }
}

#[cfg(test)]
mod tests {
    use cowrite_protocol::operation::{Component, Operation};
    use cowrite_protocol::{RichText, Utf16Length};

    use super::*;

    const STEPS: u32 = 100;

    /// What undoes a hundred letters that were typed at every second place, the first of them first.
    fn typed() -> Stack<RichText> {
        let mut stack = Stack::new();
        for at in 0..STEPS {
            let back = Operation::from_components([Component::retain(2 * at), Component::delete(1)]);
            stack.push(Step::new(back, None, None, u64::from(at)));
        }
        stack
    }

    /// An insertion behind each of so many units.
    fn everywhere(places: u32) -> Operation {
        let mut change = Operation::builder();
        for _ in 0..places {
            change.retain(Utf16Length(1)).insert("x");
        }
        change.build()
    }

    #[test]
    fn over_one_large_change_no_step_is_carried_before_it_is_needed() {
        let mut stack = typed();
        let large = everywhere(500);
        stack.carry(&large);
        let waits = |stack: &Stack<RichText>| stack.steps.iter().map(Step::waits).collect::<Vec<_>>();
        let mut only_the_second = vec![false; STEPS as usize];
        only_the_second[STEPS as usize - 2] = true;
        assert_eq!(waits(&stack), only_the_second);
        // A person who types beside it does not change that.
        for at in 0..300 {
            stack.carry(&Operation::from_components([Component::retain(at), Component::insert("y")]));
        }
        assert_eq!(waits(&stack), only_the_second);
        // A larger one does.
        stack.carry(&everywhere(5_000));
        let mut only_the_third = vec![false; STEPS as usize];
        only_the_third[STEPS as usize - 3] = true;
        assert_eq!(waits(&stack), only_the_third);
    }

    #[test]
    fn what_waited_is_taken_into_account_once_a_step_is_needed() {
        for changes in [vec![everywhere(500)], vec![everywhere(30), everywhere(700), everywhere(2)]] {
            let (mut lazy, mut at_once) = (typed(), Vec::new());
            let mut steps = typed().steps;
            for change in &changes {
                lazy.carry(change);
                let mut over = change.clone();
                for step in steps.iter_mut().rev() {
                    (step.operation, over) = Operation::transform(&step.operation, &over);
                }
            }
            at_once.extend(steps.into_iter().rev().map(|step| step.operation));
            let popped: Vec<_> = core::iter::from_fn(|| lazy.pop()).map(|step| step.operation).collect();
            assert_eq!(popped, at_once);
        }
    }
}
