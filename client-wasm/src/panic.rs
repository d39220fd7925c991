//! When the module fails: a panic cannot be caught in the browser, so it is told before it
//! ends the call; every later call is refused, but for the one that reads what is pending.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicBool, Ordering};

use once_cell::race::OnceBox;

use crate::bindings::{Host, Hosts};
use crate::events;

static FAILED: AtomicBool = AtomicBool::new(false);

/// Who is told.
static HOSTS: OnceBox<Hosts> = OnceBox::new();

/// Whether the module has failed: what it holds cannot be trusted any more.
pub(crate) fn has_failed() -> bool {
    FAILED.load(Ordering::Relaxed)
}

/// Tells this host when the module fails.
pub(crate) fn watch(host: &Host) {
    let hosts = HOSTS.get_or_init(|| {
        #[cfg(not(all(feature = "module", target_family = "wasm")))]
        hook();
        Box::new(Hosts::new())
    });
    hosts.push(host);
}

/// Tells this host no more.
pub(crate) fn unwatch(host: &Host) {
    HOSTS.get().into_iter().for_each(|hosts| hosts.remove(host));
}

/// The standard library tells its panics to whoever asks.
#[cfg(not(all(feature = "module", target_family = "wasm")))]
fn hook() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        before(info);
        tell(info.payload_as_str());
    }));
}

/// Without it the panic comes here. What it says is not looked at, nor where it happened: the texts and
/// places of all panics that there could be, which the compiler then leaves out, are a twentieth of the
/// module. The host notes the calls that led here.
#[cfg(all(feature = "module", target_family = "wasm"))]
#[panic_handler]
fn panicked(_info: &core::panic::PanicInfo<'_>) -> ! {
    tell(None);
    core::arch::wasm32::unreachable()
}

fn tell(message: Option<&str>) {
    if FAILED.swap(true, Ordering::Relaxed) {
        return;
    }
    let event = events::panic(message.unwrap_or("panic"));
    if let Some(hosts) = HOSTS.get() {
        while let Some(host) = hosts.pop() {
            host.tell(&event);
        }
    }
}
