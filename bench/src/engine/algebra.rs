//! Transform and compose by size.

#[cfg(feature = "peers")]
use std::hint::black_box;
use std::time::{Duration, Instant};

use cowrite_bench_wasm::Algebra;
#[cfg(feature = "peers")]
use cowrite_bench_wasm::shape;
use serde_json::{Value, json};

/// So long each of the two is repeated.
const EACH: Duration = Duration::from_millis(300);

/// Microseconds for a transform of two operations of `components` each, and to compose the two.
pub(super) fn measure(library: &str, components: usize) -> Value {
    let length = components as u32 * 20 + 100;
    let (transform, compose) = match library {
        "cowrite" => {
            let algebra = Algebra::new(components);
            (repeated(|times| algebra.transform(times)), repeated(|times| algebra.compose(times)))
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
                repeated(|times| {
                    (0..times).for_each(|_| drop(black_box(black_box(&left).transform(black_box(&right)))))
                }),
                repeated(|times| {
                    (0..times).for_each(|_| drop(black_box(black_box(&left).compose(black_box(&right_after)))))
                }),
            )
        }
        _ => panic!("there is no algebra of {library}; peers are there with the feature of that name"),
    };
    json!({ "transformUs": transform, "composeUs": compose, "length": length })
}

/// Microseconds of one call.
fn repeated(call: impl Fn(u32)) -> f64 {
    call(10);
    let (begun, mut calls) = (Instant::now(), 0_u32);
    while begun.elapsed() < EACH {
        call(16);
        calls += 16;
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
}
