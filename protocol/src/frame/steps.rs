//! A frame step by step, of which none is asked whether it failed.

use alloc::vec::Vec;

use super::reader::Reader;

/// What is left of a message.
///
/// A step that finds other bytes than it reads makes the whole a failure: it and all that follow
/// give something that means nothing, and [`Steps::finish`] gives `None`. So nobody asks after
/// each of a hundred steps, which would be a third of the code that reads frames.
pub(super) struct Steps<'a> {
    rest: Reader<'a>,
    has_failed: bool,
}

impl<'a> Steps<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Steps<'a> {
        Steps { rest: Reader(bytes), has_failed: false }
    }

    /// What was read and the bytes behind it, if every step found what it reads.
    pub(super) fn finish<T>(self, read: T) -> Option<(T, &'a [u8])> {
        if self.has_failed { None } else { Some((read, self.rest.0)) }
    }

    /// What a step gives that found nothing. Nothing is found any more.
    pub(super) fn fail<T>(&mut self, nothing: T) -> T {
        *self = Steps { rest: Reader(&[]), has_failed: true };
        nothing
    }

    /// One of these, by its place.
    pub(super) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        let place = self.u32();
        all.get(place as usize).copied().unwrap_or_else(|| self.fail(all[0]))
    }

    /// A list grows with what is read, never with what is announced.
    pub(super) fn list<T>(&mut self, read: fn(&mut Self) -> T) -> Vec<T> {
        let length = self.u64();
        let mut list = Vec::new();
        for _ in 0..length {
            if self.has_failed {
                break;
            }
            list.push(read(self));
        }
        list
    }

    /// Something behind a byte that says whether it is there.
    pub(super) fn optional<T>(&mut self, read: fn(&mut Self) -> T) -> Option<T> {
        if self.truth() { Some(read(self)) } else { None }
    }

    pub(super) fn truth(&mut self) -> bool {
        self.rest.truth().unwrap_or_else(|| self.fail(false))
    }

    pub(super) fn sixteen(&mut self) -> [u8; 16] {
        self.rest.sixteen().unwrap_or_else(|| self.fail([0; 16]))
    }

    pub(super) fn bytes(&mut self) -> &'a [u8] {
        self.rest.bytes().unwrap_or_else(|| self.fail(&[]))
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.rest.byte().unwrap_or_else(|| self.fail(0))
    }

    pub(super) fn u32(&mut self) -> u32 {
        self.rest.u32().unwrap_or_else(|| self.fail(0))
    }

    pub(super) fn u64(&mut self) -> u64 {
        self.rest.u64().unwrap_or_else(|| self.fail(0))
    }
}
