//! When the module fails: a panic cannot be caught in the browser, so it is told, with
//! what was pending, before it ends the call; every later call is refused.

use std::cell::RefCell;
use std::panic::PanicHookInfo;
use std::rc::{Rc, Weak};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::driver::Driver;

static FAILED: AtomicBool = AtomicBool::new(false);
static HOOKED: Once = Once::new();

thread_local! {
    static DRIVERS: RefCell<Vec<Weak<Driver>>> = const { RefCell::new(Vec::new()) };
}

/// Whether the module has failed: what it holds cannot be trusted any more.
pub(crate) fn has_failed() -> bool {
    FAILED.load(Ordering::Relaxed)
}

/// Tells this driver's host when the module fails.
pub(crate) fn watch(driver: &Rc<Driver>) {
    let _ = DRIVERS.try_with(|drivers| {
        let mut drivers = drivers.borrow_mut();
        drivers.retain(|known| known.strong_count() > 0);
        drivers.push(Rc::downgrade(driver));
    });
    HOOKED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            before(info);
            tell(info);
        }));
    });
}

fn tell(info: &PanicHookInfo<'_>) {
    if FAILED.swap(true, Ordering::Relaxed) {
        return;
    }
    let message = info.payload_as_str().unwrap_or("panic");
    let _ = DRIVERS.try_with(|drivers| {
        // The list is borrowed for no longer than it takes to copy it, here and above.
        let drivers: Vec<_> = drivers.try_borrow().map_or_else(|_| Vec::new(), |drivers| drivers.clone());
        drivers.iter().filter_map(Weak::upgrade).for_each(|driver| driver.tell_panic(message));
    });
}
