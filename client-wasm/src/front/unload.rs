//! The browser asks before a page is closed that holds work which nobody else has.

use std::cell::RefCell;

use web_sys::Event;

use super::listener::Listener;

/// Whether the browser asks.
#[derive(Default)]
pub(super) struct Unload(RefCell<Option<Listener>>);

impl Unload {
    /// Turns the question on or off.
    pub(super) fn arm(&self, on: bool) {
        if on == self.0.borrow().is_some() {
            return;
        }
        // A Worker has no window, and is never asked.
        let window = if on { web_sys::window() } else { None };
        let listener =
            window.map(|window| Listener::new(&window, "beforeunload", |event: Event| event.prevent_default()));
        drop(self.0.replace(listener));
    }
}
