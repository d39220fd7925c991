//! Hearing of what happens in the page.

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Event, EventTarget};

/// Hears one kind of event of one target until it is dropped.
pub(super) struct Listener {
    target: EventTarget,
    name: &'static str,
    callback: Closure<dyn Fn(Event)>,
}

impl Listener {
    pub(super) fn new(target: &EventTarget, name: &'static str, hear: impl Fn(Event) + 'static) -> Listener {
        let listener = Listener { target: target.clone(), name, callback: Closure::new(hear) };
        let callback = listener.callback.as_ref().unchecked_ref();
        // It is refused for arguments that are none, and these are.
        let _ = target.add_event_listener_with_callback(name, callback);
        listener
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let callback = self.callback.as_ref().unchecked_ref();
        let _ = self.target.remove_event_listener_with_callback(self.name, callback);
    }
}
