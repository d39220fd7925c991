//! The algebra of Cowrite and a document without an engine, as a WebAssembly module: built as that of the npm package
//! is, so that `cargo xtask bench` measures what browsers run. What both programs measure alike is made here.

#![warn(missing_docs)]
#![expect(clippy::expect_used, reason = "a measurement that cannot be made ends the program")]

use std::hint::black_box;

use cowrite_protocol::Operation;
use cowrite_protocol::operation::Document;
use cowrite_protocol::text::Utf16Length;
use wasm_bindgen::prelude::wasm_bindgen;

/// That of the module that browsers load.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

/// A document that operations are applied to, and nothing else.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Applied(Document);

#[wasm_bindgen]
impl Applied {
    /// An empty one.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Applied {
        Applied::default()
    }

    /// Replaces so many UTF-16 code units there, as one operation.
    ///
    /// # Panics
    /// If the text is shorter.
    pub fn splice(&mut self, at: u32, deleted: u32, inserted: &str) {
        self.0.apply(&splice(at, deleted, inserted)).expect("it fits");
    }

    /// The text.
    pub fn text(&self) -> String {
        self.0.text().chars().collect()
    }
}

/// Two operations made on one text, and what transforming them gives.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Algebra {
    left: Operation,
    right: Operation,
    right_after: Operation,
}

#[wasm_bindgen]
impl Algebra {
    /// Two of so many components each.
    ///
    /// # Panics
    /// If the algebra is wrong: both orders must give texts of one length.
    #[wasm_bindgen(constructor)]
    pub fn new(components: usize) -> Algebra {
        let (left, right) = (operation(components, 1), operation(components, 2));
        let (left_after, right_after) = Operation::transform(&left, &right);
        let one = Operation::compose(&left, &right_after).expect("one after the other");
        let other = Operation::compose(&right, &left_after).expect("so here");
        assert_eq!(one.length_change(), other.length_change(), "both orders end as one text");
        Algebra { left, right, right_after }
    }

    /// Transforms the two so often.
    pub fn transform(&self, times: u32) {
        for _ in 0..times {
            drop(black_box(Operation::transform(black_box(&self.left), black_box(&self.right))));
        }
    }

    /// Composes the first and the transformed second so often.
    ///
    /// # Panics
    /// Never: what was transformed composes.
    pub fn compose(&self, times: u32) {
        for _ in 0..times {
            let one = Operation::compose(black_box(&self.left), black_box(&self.right_after));
            drop(black_box(one.expect("one after the other")));
        }
    }
}

/// An operation that replaces so many units there.
pub fn splice(at: u32, deleted: u32, inserted: &str) -> Operation {
    let mut operation = Operation::builder();
    operation.retain(Utf16Length(at)).delete(Utf16Length(deleted)).insert(inserted);
    operation.build()
}

/// Where and what two operations of so many components write: by turns a retain, and an insertion or a
/// deletion, so that the two meet at ever other places.
pub fn shape(components: usize, seed: u32) -> Vec<(u32, bool)> {
    (0..components.div_ceil(2))
        .map(|index| (3 + (index as u32 * 7 + seed * 5) % 11, !(index as u32 + seed).is_multiple_of(3)))
        .collect()
}

fn operation(components: usize, seed: u32) -> Operation {
    let mut operation = Operation::builder();
    for (retain, inserts) in shape(components, seed) {
        operation.retain(Utf16Length(retain));
        if inserts {
            operation.insert("ab")
        } else {
            operation.delete(Utf16Length(1))
        };
    }
    operation.build()
}
