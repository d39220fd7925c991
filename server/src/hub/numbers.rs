//! Channel numbers of open rooms.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use cowrite_protocol::{Channel, Millis};

/// Gives each open room the lowest number that is free: numbers below 128 cost one byte
/// in every frame.
///
/// A number that was given back rests for a while before it is given again. A frame of a
/// client that has not heard yet that its channel ended could else reach another document.
#[derive(Debug)]
pub(super) struct Numbers {
    rest_ms: u64,
    next: u32,
    free: BinaryHeap<Reverse<u32>>,
    resting: VecDeque<(Millis, u32)>,
}

impl Numbers {
    /// No number is given yet; one that comes back rests for `rest_ms`.
    pub(super) fn new(rest_ms: u64) -> Numbers {
        Numbers { rest_ms, next: 0, free: BinaryHeap::new(), resting: VecDeque::new() }
    }

    /// The lowest number that is free, or `None` when all 2^32 are given.
    pub(super) fn take(&mut self, now: Millis) -> Option<Channel> {
        while let Some((until, number)) = self.resting.front().copied()
            && until <= now
        {
            self.resting.pop_front();
            self.free.push(Reverse(number));
        }
        if let Some(Reverse(number)) = self.free.pop() {
            return Some(Channel(number));
        }
        let number = self.next;
        self.next = number.checked_add(1)?;
        Some(Channel(number))
    }

    /// The number is not in use any more.
    pub(super) fn give_back(&mut self, number: Channel, now: Millis) {
        self.resting.push_back((now + self.rest_ms, number.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_number_is_given_again_after_its_rest() {
        let mut numbers = Numbers::new(100);
        for expected in 0..3 {
            assert_eq!(numbers.take(Millis(0)), Some(Channel(expected)));
        }
        numbers.give_back(Channel(2), Millis(0));
        numbers.give_back(Channel(0), Millis(10));
        assert_eq!(numbers.take(Millis(99)), Some(Channel(3)), "both rest");
        assert_eq!(numbers.take(Millis(110)), Some(Channel(0)));
        assert_eq!(numbers.take(Millis(110)), Some(Channel(2)));
        assert_eq!(numbers.take(Millis(110)), Some(Channel(4)));
    }
}
