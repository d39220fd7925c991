//! The rules of edits, compiled for a browser and for this machine, say the same of the same hundred
//! thousand cases, byte for byte: results as well as errors. Each build works them all out and comes to
//! one number, which is written down here.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

use std::fmt::Debug;

use cowrite_protocol::operation::{
    Attributes, Document, Json, Operation, OperationBuilder, Priority, transform_as_quill,
};
use cowrite_protocol::text::{Utf16Length, Utf16Offset};
use cowrite_protocol::{Bias, DocumentType, OperationLimits, RichText};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const CASES: u64 = 100_000;

/// What all cases come to. It changes with the rules and with the cases, and with nothing else.
const DIGEST: u64 = 0xb818_caae_8007_304e;

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % u64::from(bound.max(1))) as u32
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize]
    }

    fn text(&mut self) -> String {
        (0..=self.below(3)).map(|_| self.pick(&["a", "b", " ", "\n", "é", "ש", "😀", "👍🏽", "\u{2028}", "\0"])).collect()
    }

    fn attributes(&mut self) -> Attributes {
        if self.below(3) > 0 {
            return Attributes::NONE;
        }
        let value = self.pick(&["true", "null", "\"red\"", "1e2", "[1,{\"a\":null}]"]);
        Attributes::from_pairs([(self.pick(&["bold", "color", "list"]), Json::parse(value).unwrap())])
    }

    fn insertion(&mut self, into: &mut OperationBuilder) {
        let attributes = self.attributes().without_nulls();
        match self.below(6) {
            0 => into.embed(Json::parse(r#"{"image":"x"}"#).unwrap(), &attributes),
            _ => into.insert_with(&self.text(), &attributes),
        };
    }

    fn document(&mut self) -> Document {
        let mut document = Operation::builder();
        (0..self.below(4)).for_each(|_| self.insertion(&mut document));
        Document::from_operation(&document.build()).unwrap()
    }

    /// An edit about as long as a document of this length; in some cases it does not fit.
    fn operation(&mut self, length: Utf16Length) -> Operation {
        let mut operation = Operation::builder();
        let mut left = length.0 + u32::from(self.below(8) == 0);
        for _ in 0..=self.below(4) {
            let some = Utf16Length((1 + self.below(4)).min(left));
            match self.below(5) {
                0 | 1 => self.insertion(&mut operation),
                _ if some.0 == 0 => {}
                2 => _ = operation.retain(some),
                3 => _ = operation.retain_with(some, &self.attributes()),
                _ => _ = operation.delete(some),
            }
            left -= some.0.min(left);
        }
        operation.build()
    }
}

/// FNV-1a.
struct Digest(u64);

impl Digest {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&[0xff]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn operation(&mut self, operation: &Operation) {
        self.bytes(&packed(operation));
    }

    /// What it came to, or the error by all that it says.
    fn outcome<T, E: Debug + ToString>(&mut self, outcome: Result<T, E>, good: impl FnOnce(&mut Digest, T)) {
        match outcome {
            Ok(value) => good(self, value),
            Err(error) => self.bytes(format!("{error:?} {}", error.to_string()).as_bytes()),
        }
    }
}

fn packed(operation: &Operation) -> Vec<u8> {
    let mut bytes = Vec::new();
    operation.encode(&mut bytes);
    bytes
}

/// Everything that the rules say of one document and three edits.
fn one_case(chance: &mut Chance, digest: &mut Digest) {
    let document = chance.document();
    let (a, b) = (chance.operation(document.length()), chance.operation(document.length()));
    let mut after = document.clone();
    digest.outcome(RichText::apply(&mut after, &a), |_, ()| {});
    digest.bytes(&RichText::checksum(&after).0.to_le_bytes());
    let c = chance.operation(after.length());

    let (first, second) = Operation::transform(&a, &b);
    digest.operation(&first);
    digest.operation(&second);
    digest.operation(&Operation::overridden(&a, &b));
    digest.operation(&transform_as_quill(&a, &b, Priority::Over));
    digest.outcome(Operation::compose(&a, &c), |digest, both| digest.operation(&both));
    digest.outcome(a.invert(&document), |digest, inverse| digest.operation(&inverse));
    digest.operation(&Operation::diff(&document, &after));
    let offset = Utf16Offset(chance.below(12));
    for bias in [Bias::Left, Bias::Right] {
        digest.bytes(&b.map_offset(offset, bias).0.to_le_bytes());
    }
    let few = OperationLimits { components: 2 + chance.below(4), ..OperationLimits::NONE };
    a.split(&few).iter().for_each(|piece| digest.operation(piece));

    // What travels, whole and damaged, within limits.
    let mut bytes = packed(&c);
    if !bytes.is_empty() {
        let at = chance.below(bytes.len() as u32) as usize;
        bytes[at] ^= 1 << chance.below(8);
        bytes.truncate(bytes.len() - chance.below(2) as usize);
    }
    digest.outcome(Operation::decode(&bytes, &few), |digest, damaged| {
        digest.operation(&damaged);
        digest.outcome(RichText::apply(&mut after, &damaged), |_, ()| {});
    });
    let mut delta = c.to_delta();
    digest.bytes(delta.as_bytes());
    if delta.len() > 12 && chance.below(2) == 0 {
        let at = 8 + chance.below(delta.len() as u32 - 8) as usize;
        delta = delta.chars().take(at).chain(chance.pick(&["}", "-1", "9", "\"", "\\ud83d"]).chars()).collect();
    }
    digest.outcome(Operation::from_delta(&delta), |digest, read| digest.operation(&read));
    digest.bytes(after.to_delta().as_bytes());
}

#[test]
fn d10_both_builds_say_the_same_of_a_hundred_thousand_cases() {
    let (mut chance, mut digest) = (Chance(2_026), Digest(0xcbf2_9ce4_8422_2325));
    for _ in 0..CASES {
        one_case(&mut chance, &mut digest);
    }
    assert_eq!(digest.0, DIGEST, "of all cases this build comes to {:#x}", digest.0);
}
