//! One thing that is counted.

use allocation_counter::AllocationInfo;

/// How often everything is done, so that what is allocated now and then shows as well.
pub(crate) const TIMES: u64 = 100;

/// What something allocates that is done [`TIMES`] times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// How many blocks of memory were asked for, or asked to grow.
    pub(crate) allocations: u64,
    /// How many bytes, all together.
    pub(crate) bytes: u64,
}

impl Row {
    /// Counts what a call does once it has been done a few times, and what it needs once is there.
    pub(crate) fn of(name: &'static str, mut call: impl FnMut()) -> Row {
        (0..10).for_each(|_| call());
        Row { name, allocations: 0, bytes: 0 }.and(|| (0..TIMES).for_each(|_| call()))
    }

    /// The row with what this does besides.
    pub(crate) fn and(self, call: impl FnOnce()) -> Row {
        let AllocationInfo { count_total, bytes_total, .. } = allocation_counter::measure(call);
        Row { allocations: self.allocations + count_total, bytes: self.bytes + bytes_total, ..self }
    }
}
