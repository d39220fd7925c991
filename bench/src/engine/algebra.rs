//! Transform and compose by size.

use std::hint::black_box;
use std::time::{Duration, Instant};

use cowrite_protocol::Operation;
use cowrite_protocol::text::Utf16Length;
use serde_json::{Value, json};

/// So long each of the two is repeated.
const EACH: Duration = Duration::from_millis(300);

/// Where and what two operations of so many components write: by turns a retain, and an insertion or a
/// deletion, so that the two meet at ever other places.
fn shape(components: usize, seed: u32) -> Vec<(u32, bool)> {
    (0..components.div_ceil(2))
        .map(|index| (3 + (index as u32 * 7 + seed * 5) % 11, !(index as u32 + seed).is_multiple_of(3)))
        .collect()
}

/// Microseconds for a transform of two operations of `components` each, and to compose the two.
pub(super) fn measure(library: &str, components: usize) -> Value {
    let length = components as u32 * 20 + 100;
    let (transform, compose) = match library {
        "cowrite" => {
            let make = |seed| {
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
            };
            let (left, right) = (make(1), make(2));
            let (left_after, right_after) = Operation::transform(&left, &right);
            let one = Operation::compose(&left, &right_after).expect("one after the other");
            assert_eq!(one.length_change(), Operation::compose(&right, &left_after).expect("so here").length_change());
            (
                repeated(|| drop(black_box(Operation::transform(black_box(&left), black_box(&right))))),
                repeated(|| drop(black_box(Operation::compose(black_box(&left), black_box(&right_after))))),
            )
        }
        #[cfg(feature = "peers")]
        "operational-transform" => {
            let make = |seed| {
                let mut operation = operational_transform::OperationSeq::default();
                let mut rest = u64::from(length);
                for (retain, inserts) in shape(components, seed) {
                    operation.retain(u64::from(retain));
                    rest -= u64::from(retain);
                    if inserts {
                        operation.insert("ab");
                    } else {
                        operation.delete(1);
                        rest -= 1;
                    }
                }
                operation.retain(rest);
                operation
            };
            let (left, right) = (make(1), make(2));
            let (left_after, right_after) = left.transform(&right).expect("made on one text");
            let one = left.compose(&right_after).expect("one after the other");
            assert_eq!(one, right.compose(&left_after).expect("so here"));
            (
                repeated(|| drop(black_box(black_box(&left).transform(black_box(&right))))),
                repeated(|| drop(black_box(black_box(&left).compose(black_box(&right_after))))),
            )
        }
        _ => panic!("there is no algebra of {library}; peers are there with the feature of that name"),
    };
    json!({ "transformUs": transform, "composeUs": compose, "length": length })
}

/// Microseconds of one call.
fn repeated(mut call: impl FnMut()) -> f64 {
    (0..10).for_each(|_| call());
    let (begun, mut calls) = (Instant::now(), 0_u32);
    while begun.elapsed() < EACH {
        (0..16).for_each(|_| call());
        calls += 16;
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
}
