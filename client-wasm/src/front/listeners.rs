//! Who wants to hear of something.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};

/// Those who hear of one thing, in the order in which they came.
pub(super) struct Listeners<T>(Rc<Listening<T>>);

struct Listening<T> {
    all: RefCell<Vec<(u64, Rc<dyn Fn(&T)>)>>,
    next: Cell<u64>,
}

/// Ends what it stands for when it is dropped: nothing is told any more.
#[must_use = "what is dropped hears nothing"]
pub struct Subscription(Box<dyn Ended>);

/// What a subscription does at its end.
trait Ended {
    fn end(&self);
}

struct Entry<T>(Weak<Listening<T>>, u64);

impl<T: 'static> Listeners<T> {
    pub(super) fn new() -> Listeners<T> {
        Listeners(Rc::new(Listening { all: RefCell::default(), next: Cell::new(0) }))
    }

    pub(super) fn add(&self, listener: impl Fn(&T) + 'static) -> Subscription {
        let number = self.0.next.get();
        self.0.next.set(number + 1);
        self.0.all.borrow_mut().push((number, Rc::new(listener)));
        Subscription(Box::new(Entry(Rc::downgrade(&self.0), number)))
    }

    /// Tells all who listen now. A listener may add others, and end any, itself too.
    pub(super) fn tell(&self, event: &T) {
        let all = self.0.all.borrow().clone();
        for (number, listener) in all {
            if self.0.all.borrow().iter().any(|(present, _)| *present == number) {
                listener(event);
            }
        }
    }
}

impl<T> Ended for Entry<T> {
    fn end(&self) {
        let Some(listening) = self.0.upgrade() else { return };
        let at = listening.all.borrow().iter().position(|(number, _)| *number == self.1);
        // What a listener owns may end other subscriptions as it goes: it goes when nothing is borrowed.
        let ended = at.map(|at| listening.all.borrow_mut().remove(at));
        drop(ended);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscription")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_ended_hears_nothing_even_of_what_is_being_told() {
        let listeners: Listeners<u32> = Listeners::new();
        let heard = Rc::new(RefCell::new(Vec::new()));
        let second = Rc::new(RefCell::new(None));
        let first = {
            let (heard, second) = (heard.clone(), second.clone());
            listeners.add(move |event| {
                heard.borrow_mut().push(("first", *event));
                drop(second.take());
            })
        };
        let told = heard.clone();
        *second.borrow_mut() = Some(listeners.add(move |event| told.borrow_mut().push(("second", *event))));
        listeners.tell(&1);
        assert_eq!(*heard.borrow(), [("first", 1)]);
        drop(first);
        listeners.tell(&2);
        assert_eq!(heard.borrow().len(), 1);
    }
}
