//! Composed blocks of the tail, kept so that many readers cost one composition.

use std::collections::BTreeMap;
use std::sync::Arc;

use cowrite_protocol::{DocumentType, Version};

/// Compositions of aligned blocks of 2^level entries. Composition is associative, so a
/// range is put together from at most two blocks a level.
pub(super) struct Compositions<D: DocumentType> {
    /// By level and by the version before the block's first entry.
    blocks: BTreeMap<(u32, u64), Arc<D::Operation>>,
}

/// Blocks below this level are cheaper to compose than to keep.
const LOWEST_KEPT: u32 = 4;

impl<D: DocumentType> Default for Compositions<D> {
    fn default() -> Self {
        Compositions { blocks: BTreeMap::new() }
    }
}

impl<D: DocumentType> Compositions<D> {
    /// The entries after `from` up to `to` as one operation. `None` if an entry is missing
    /// or two entries do not follow one another.
    pub(super) fn compose(
        &mut self,
        from: Version,
        to: Version,
        operation_of: impl Fn(Version) -> Option<Arc<D::Operation>> + Copy,
    ) -> Option<Arc<D::Operation>> {
        let (mut at, end) = (from.get(), to.get());
        let mut whole: Option<Arc<D::Operation>> = None;
        while at < end {
            let aligned = if at == 0 { u32::MAX } else { at.trailing_zeros() };
            let fits = (end - at).ilog2();
            let level = aligned.min(fits);
            let block = self.block(level, at, operation_of)?;
            whole = Some(match whole {
                None => block,
                Some(before) => Arc::new(D::compose(&before, &block).ok()?),
            });
            at += 1 << level;
        }
        Some(whole.unwrap_or_else(|| Arc::new(D::identity())))
    }

    /// Forgets blocks that hold an entry at or before `version`.
    pub(super) fn forget_up_to(&mut self, version: Version) {
        self.blocks.retain(|&(_, before), _| before >= version.get());
    }

    /// Before which versions blocks are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> Vec<u64> {
        self.blocks.keys().map(|&(_, before)| before).collect()
    }

    fn block(
        &mut self,
        level: u32,
        before: u64,
        operation_of: impl Fn(Version) -> Option<Arc<D::Operation>> + Copy,
    ) -> Option<Arc<D::Operation>> {
        if level == 0 {
            return operation_of(Version::new(before + 1)?);
        }
        if let Some(kept) = self.blocks.get(&(level, before)) {
            return Some(Arc::clone(kept));
        }
        let left = self.block(level - 1, before, operation_of)?;
        let right = self.block(level - 1, before + (1 << (level - 1)), operation_of)?;
        let block = Arc::new(D::compose(&left, &right).ok()?);
        if level >= LOWEST_KEPT {
            self.blocks.insert((level, before), Arc::clone(&block));
        }
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use cowrite_protocol::RichText;
    use cowrite_protocol::operation::Operation;

    use super::*;

    fn typed(version: Version) -> Arc<Operation> {
        Arc::new(Operation::builder().insert(&format!("[{}]", version.get())).build())
    }

    #[test]
    fn many_readers_cost_one_composition() {
        let (mut compositions, asked) = (Compositions::<RichText>::default(), Cell::new(0));
        let operation_of = |version| {
            asked.set(asked.get() + 1);
            Some(typed(version))
        };
        let to = Version::new(1_024).unwrap();
        let first = compositions.compose(Version::ZERO, to, operation_of);
        assert_eq!(asked.replace(0), 1_024);
        assert_eq!(compositions.compose(Version::ZERO, to, operation_of), first);
        assert_eq!(asked.get(), 0, "all of it is kept");
        // Who is a few entries behind another asks for these few, and less than a small block more.
        compositions.compose(Version::new(3).unwrap(), to, operation_of);
        assert_eq!(asked.get(), 13);
        assert!(compositions.kept().len() < 2 * (1_024 >> LOWEST_KEPT), "{}", compositions.kept().len());
    }

    #[test]
    fn nothing_is_composed_without_each_of_the_entries() {
        let mut compositions = Compositions::<RichText>::default();
        let (from, to) = (Version::new(5).unwrap(), Version::new(40).unwrap());
        for missing in [6, 22, 40] {
            let all_but = |version: Version| (version.get() != missing).then(|| typed(version));
            assert_eq!(compositions.compose(from, to, all_but), None, "{missing}");
        }
        assert_eq!(compositions.compose(to, to, |_| None), Some(Arc::new(Operation::default())));
    }
}
