//! A document's text as a textarea shows it.

/// A textarea knows line feeds only: it drops the carriage return of a pair, and makes a lone
/// one a line feed. Documents may hold any, so offsets are translated at this edge.
pub(super) struct View {
    /// What the element shows, in UTF-16 code units.
    pub(super) text: Vec<u16>,
    /// Offsets, in the document, of the units that are not shown; rising.
    dropped: Vec<usize>,
    is_plain: bool,
}

const RETURN: u16 = 0x0D;
const FEED: u16 = 0x0A;

impl View {
    /// The view of a document's text. Linear.
    pub(super) fn of(mut text: Vec<u16>) -> View {
        let mut dropped = Vec::new();
        let is_plain = !text.contains(&RETURN);
        if !is_plain {
            let document = core::mem::take(&mut text);
            for (at, unit) in document.iter().enumerate() {
                match (*unit, document.get(at + 1)) {
                    (RETURN, Some(&FEED)) => dropped.push(at),
                    (RETURN, _) => text.push(FEED),
                    (unit, _) => text.push(unit),
                }
            }
        }
        View { text, dropped, is_plain }
    }

    /// Whether the element shows the document's text as it is.
    pub(super) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Where an offset of the document lies in the element.
    pub(super) fn shown(&self, offset: u32) -> u32 {
        let before = self.dropped.partition_point(|at| *at < offset as usize);
        offset - u32::try_from(before).unwrap_or_default()
    }

    /// Where an offset of the element lies in the document: before what is not shown there.
    pub(super) fn stored(&self, offset: usize) -> u32 {
        let (mut low, mut high) = (0, self.dropped.len());
        while low < high {
            let middle = (low + high) / 2;
            if self.dropped[middle] - middle < offset { low = middle + 1 } else { high = middle }
        }
        // No document has more units than a `u32` counts.
        u32::try_from(offset + low).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_are_not_shown_and_offsets_know_it() {
        let view = View::of("a\r\nb\rc\r\n".encode_utf16().collect());
        assert_eq!(String::from_utf16(&view.text).unwrap(), "a\nb\nc\n");
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7, 8].map(|at| view.shown(at)), [0, 1, 1, 2, 3, 4, 5, 5, 6]);
        assert_eq!([0, 1, 2, 3, 4, 5, 6].map(|at| view.stored(at)), [0, 1, 3, 4, 5, 6, 8]);
    }
}
