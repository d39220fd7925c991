//! The module when it fails. On its own, since a module that has failed stays so.

#![cfg(target_family = "wasm")]
#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

#[expect(dead_code, reason = "two test programs share it, each uses a part")]
mod stage;

use cowrite_client_wasm::Refusal;
use cowrite_protocol::frame::Role;
use stage::Play;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
fn a_panic_is_told_once_and_what_was_pending_stays_readable() {
    // The host of this test is in the module, so that it can make the module fail.
    let play = Play::with(|_, event| assert!(!event.contains("presence"), "made to fail"));
    play.connect();
    let doc = play.open("abc", Role::Editor);
    play.events();
    play.client().insert(doc, 3, "d", None).unwrap();
    play.events();
    // Losing the link takes the members away, which is told as `presence`.
    play.stage.event("close");
    let told = play.events();
    let panics: Vec<_> = told.iter().filter(|event| event.contains("\"panic\"")).collect();
    assert_eq!(panics.len(), 1, "{told:?}");
    assert_eq!(*panics[0], r#"{"type":"panic","message":"made to fail"}"#);
    assert_eq!(play.client().insert(doc, 0, "x", None), Err(Refusal("panicked")));
    assert_eq!(play.client().pending(doc).unwrap(), r#"[{"retain":3},{"insert":"d"}]"#);
    play.client().close();
    assert!(play.stage.is_closed());
}
