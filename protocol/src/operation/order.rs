//! The one sort of this crate.

use alloc::vec::Vec;
use core::cmp::Ordering;

/// The places of a list in ascending order of what stands there; of equals only the last.
///
/// A heap sort of places: n log n steps, whatever comes. It is compiled once, for any list:
/// each use of the library's sorts adds five times its code to the browser's module.
pub(super) fn last_of_each(length: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let less = |a: usize, b: usize| compare(a, b).then(a.cmp(&b)) == Ordering::Less;
    let mut heap: Vec<usize> = (0..length).collect();
    for root in (0..length / 2).rev() {
        sift(&mut heap, root, &less);
    }
    for end in (1..length).rev() {
        heap.swap(0, end);
        sift(&mut heap[..end], 0, &less);
    }
    let mut next = 0;
    heap.iter()
        .copied()
        .filter(|&place| {
            next += 1;
            heap.get(next).is_none_or(|&later| compare(place, later) != Ordering::Equal)
        })
        .collect()
}

/// Lets what stands at the root sink until nothing below it is greater.
fn sift(heap: &mut [usize], mut root: usize, less: &dyn Fn(usize, usize) -> bool) {
    loop {
        let mut child = 2 * root + 1;
        if child >= heap.len() {
            return;
        }
        if child + 1 < heap.len() && less(heap[child], heap[child + 1]) {
            child += 1;
        }
        if !less(heap[root], heap[child]) {
            return;
        }
        heap.swap(root, child);
        root = child;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_equals_is_kept_in_order() {
        let mut seed = 7u32;
        for length in 0..200usize {
            let list: Vec<u32> = (0..length)
                .map(|_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    seed >> 26
                })
                .collect();
            let mut expected: Vec<usize> = (0..length).collect();
            expected.sort_by_key(|&place| list[place]);
            expected.reverse();
            expected.dedup_by_key(|place| list[*place]);
            expected.reverse();
            assert_eq!(last_of_each(length, &|a, b| list[a].cmp(&list[b])), expected, "{list:?}");
        }
    }
}
