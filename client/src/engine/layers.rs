//! Edits that wait, gathered so that one more costs little however many there are.
//!
//! To compose is linear in both operations, so edits at places all over, each composed into one
//! operation of all before it, would cost the square of their number: hours of work offline would
//! make every keystroke slow. They lie in layers instead, each on the text after the one below,
//! and each more than twice as heavy as the one above. A new edit is composed with the top
//! layers that are not: what is typed at one place stays in one light layer, and of n edits at n
//! places each is composed about log n times. Who needs all as one operation makes the layers
//! one ([`Layers::settle`]), which is linear in that operation.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use cowrite_protocol::error::ComposeError;
use cowrite_protocol::{DocumentType, OperationLimits};

/// Operations that follow one another; at least one.
#[derive(Clone, Debug)]
pub(super) struct Layers<D: DocumentType>(Vec<Layer<D>>);

#[derive(Clone, Debug)]
struct Layer<D: DocumentType> {
    /// Shared with whoever keeps a copy of what is pending.
    operation: Arc<D::Operation>,
    /// About what composing it costs.
    weight: u64,
}

/// So many units of inserted text are copied in the time that one component takes.
const UNITS_PER_COMPONENT: u64 = 32;

impl<D: DocumentType> Layers<D> {
    pub(super) fn of(operation: impl Into<Arc<D::Operation>>) -> Layers<D> {
        Layers(vec![Layer::new(operation.into())])
    }

    /// Takes in an operation that was made on the text after all others. Amortised over n
    /// components: about log n for each of the operation's.
    ///
    /// # Errors
    /// If it does not follow the others; nothing has changed.
    pub(super) fn push(&mut self, operation: &D::Operation) -> Result<(), ComposeError> {
        // Nearly every keystroke joins the layer below: it is copied only if it does not.
        let (mut top, mut weight, mut below) = (None::<Layer<D>>, Layer::<D>::weight(operation), self.0.len());
        while let Some(layer) = below.checked_sub(1).and_then(|at| self.0.get(at))
            && layer.weight <= 2 * weight
        {
            let above = top.as_ref().map_or(operation, |top| &top.operation);
            let joined = Layer::new(D::compose(&layer.operation, above)?.into());
            (weight, below) = (joined.weight, below - 1);
            top = Some(joined);
        }
        self.0.truncate(below);
        self.0.push(top.unwrap_or_else(|| Layer::new(operation.clone().into())));
        Ok(())
    }

    /// Puts an operation below all others, which were made on the text after it.
    pub(super) fn push_below(&mut self, operation: impl Into<Arc<D::Operation>>) {
        self.0.insert(0, Layer::new(operation.into()));
    }

    /// Composes all into one, and says whether it is one now. It always is, since they follow one
    /// another; if they did not, they would stay as they are, and nothing be lost. Linear in all.
    pub(super) fn settle(&mut self) -> bool {
        while let [.., below, top] = &self.0[..]
            && let Ok(one) = D::compose(&below.operation, &top.operation)
        {
            self.0.truncate(self.0.len() - 2);
            self.0.push(Layer::new(one.into()));
        }
        self.0.len() == 1
    }

    /// All of them, once they are settled.
    pub(super) fn lowest(&self) -> &D::Operation {
        // There is always one.
        &self.0[0].operation
    }

    /// The same in pieces that are within the limits, the first of them apart. The others are composed
    /// again when they are settled.
    pub(super) fn split(&self, limits: &OperationLimits) -> (Arc<D::Operation>, Option<Layers<D>>) {
        if let [one] = &self.0[..]
            && D::is_within(&one.operation, limits)
        {
            return (Arc::clone(&one.operation), None);
        }
        let mut pieces = self.operations().flat_map(|operation| D::split(operation, limits));
        let first = pieces.next().unwrap_or_else(|| self.lowest().clone());
        let others = Vec::from_iter(pieces.map(|piece| Layer::new(piece.into())));
        (Arc::new(first), (!others.is_empty()).then_some(Layers(others)))
    }

    /// The one operation that they are.
    ///
    /// # Errors
    /// If they do not follow one another.
    pub(super) fn into_one(mut self) -> Result<D::Operation, ComposeError> {
        let top = self.0.pop().map_or_else(D::identity, |top| Arc::unwrap_or_clone(top.operation));
        self.0.iter().rev().try_fold(top, |above, layer| D::compose(&layer.operation, &above))
    }

    /// About what composing all of them costs.
    pub(super) fn weight(&self) -> u64 {
        self.0.iter().map(|layer| layer.weight).sum()
    }

    /// The operations in order.
    pub(super) fn operations(&self) -> impl Iterator<Item = &Arc<D::Operation>> {
        self.0.iter().map(|layer| &layer.operation)
    }

    /// The operations in order, each to be replaced by what it is on another text.
    pub(super) fn operations_mut(&mut self) -> impl Iterator<Item = &mut Arc<D::Operation>> {
        self.0.iter_mut().map(|layer| &mut layer.operation)
    }
}

impl<D: DocumentType> Layer<D> {
    fn new(operation: Arc<D::Operation>) -> Layer<D> {
        Layer { weight: Layer::<D>::weight(&operation), operation }
    }

    fn weight(operation: &D::Operation) -> u64 {
        let inserted = D::deleted_units(operation).saturating_add_signed(D::length_change(operation));
        D::components(operation) as u64 + inserted / UNITS_PER_COMPONENT
    }
}

#[cfg(test)]
mod tests {
    use cowrite_protocol::operation::{Attributes, Component, Document, Json, Operation};
    use cowrite_protocol::{RichText, Utf16Length};

    use super::*;

    struct Chance(u64);

    impl Chance {
        fn below(&mut self, limit: u32) -> u32 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 11) as u32 % limit.max(1)
        }

        /// An edit at any place: a word or letter comes, some go, some get or lose a format.
        fn edit(&mut self, text: &Document) -> Operation {
            let length = text.length().0;
            let at = self.below(length + 1);
            let some = Utf16Length(self.below(6).min(length - at));
            let mut builder = Operation::builder();
            builder.retain(Utf16Length(at));
            let value = [Json::null(), Json::yes()][self.below(2) as usize].clone();
            let format = Attributes::from_pairs([(["bold", "code"][self.below(2) as usize], value)]);
            match self.below(6) {
                0 => builder.delete(some),
                1 => builder.retain_with(some, &format),
                2 => builder.insert_with("word", &format).delete(some),
                _ => builder.insert("a"),
            };
            builder.build()
        }
    }

    fn weights(layers: &Layers<RichText>) -> Vec<u64> {
        layers.0.iter().map(|layer| layer.weight).collect()
    }

    fn letter(at: u32) -> Operation {
        Operation::from_components([Component::retain(at), Component::insert("a")])
    }

    #[test]
    fn settled_they_are_what_composing_each_with_all_before_gives() {
        for seed in 1..400 {
            let mut chance = Chance(seed * 0x9e37_79b9);
            let mut text = Document::from("the text before");
            let first = chance.edit(&text);
            text.apply(&first).unwrap();
            let (mut layers, mut plain) = (Layers::<RichText>::of(first.clone()), first);
            let edits = 1 + chance.below(80);
            for turn in 0..edits {
                let edit = chance.edit(&text);
                text.apply(&edit).unwrap();
                plain = Operation::compose(&plain, &edit).unwrap();
                layers.push(&edit).unwrap();
                if turn == edits / 2 && chance.below(2) == 0 {
                    assert!(layers.settle());
                }
            }
            assert!(layers.settle());
            assert_eq!((layers.operations().count(), layers.lowest()), (1, &plain));
        }
    }

    #[test]
    fn what_is_typed_at_one_place_stays_in_one_layer() {
        let mut layers = Layers::<RichText>::of(letter(7));
        for at in 8..60 {
            layers.push(&letter(at)).unwrap();
        }
        assert_eq!(layers.operations().count(), 1);
    }

    #[test]
    fn of_edits_all_over_each_is_composed_a_few_times() {
        const EDITS: u32 = 4_096;
        let mut chance = Chance(7);
        let (mut layers, mut composed, mut most) = (Layers::<RichText>::of(letter(0)), 0, 0);
        for length in 0..EDITS {
            let before = weights(&layers);
            layers.push(&letter(chance.below(100_000 + length))).unwrap();
            let after = weights(&layers);
            let same = before.iter().zip(&after).take_while(|(before, after)| before == after).count();
            composed += before[same..].iter().sum::<u64>();
            most = most.max(after.len());
            assert!(after.windows(2).all(|pair| pair[0] > 2 * pair[1]), "{after:?}");
        }
        // A component is composed into the layer of each size at most twice or so.
        assert!(most <= 13 && composed <= u64::from(EDITS) * 2 * 2 * 13, "{most} layers, {composed} components");
    }

    #[test]
    fn long_texts_are_not_copied_for_each_letter() {
        let mut layers = Layers::<RichText>::of(Operation::builder().insert(&"page ".repeat(1_000)).build());
        layers.push(&letter(5_000)).unwrap();
        assert_eq!(layers.operations().count(), 2);
    }

    #[test]
    fn what_does_not_follow_is_refused_and_changes_nothing() {
        let mut layers = Layers::<RichText>::of(Operation::builder().insert("🏆").build());
        assert!(layers.push(&letter(1)).is_err());
        assert_eq!((layers.operations().count(), layers.lowest()), (1, &Operation::builder().insert("🏆").build()));
        // If it came to it, nothing would be lost.
        let mut apart = Layers::<RichText>::of(letter(1));
        apart.push_below(Operation::builder().insert("🏆").build());
        assert!(!apart.settle());
        assert_eq!(apart.operations().count(), 2);
    }

    #[test]
    fn pieces_are_one_again_once_they_are_settled() {
        let mut layers = Layers::<RichText>::of(letter(5));
        layers.push(&Operation::builder().insert(&"page ".repeat(100)).build()).unwrap();
        layers.settle();
        let whole = layers.lowest().clone();
        let limits = OperationLimits { bytes: 100, ..OperationLimits::default() };
        let (first, others) = layers.split(&limits);
        let mut others = others.unwrap();
        others.push_below(first);
        assert!(others.operations().count() > 5 && others.settle());
        assert_eq!(*others.lowest(), whole);
        assert!(layers.split(&OperationLimits::default()).1.is_none());
    }
}
