//! A clock of the host's, as a number: nothing here ever reads one.

use core::ops::{Add, Sub};

/// Milliseconds of a clock that never goes back, since any fixed moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

impl Add<u64> for Millis {
    type Output = Millis;

    fn add(self, milliseconds: u64) -> Millis {
        Millis(self.0.saturating_add(milliseconds))
    }
}

impl Sub for Millis {
    type Output = u64;

    /// The milliseconds since an earlier moment; 0 if it is not earlier.
    fn sub(self, earlier: Millis) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
