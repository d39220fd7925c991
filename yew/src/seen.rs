//! What a component shows of a document, and when it is rendered again.

use std::rc::Rc;

use cowrite_client_wasm::front::{Client, Document, DocumentEvent, LinkState, Member, Status, Subscription};
use yew::prelude::*;

use crate::provider::use_client;

/// The text, with U+FFFC for each embed; empty until it is loaded.
#[hook]
pub fn use_text(document: &Document) -> AttrValue {
    let concerns = |event: &DocumentEvent| matches!(event, DocumentEvent::Change { .. } | DocumentEvent::Opened { .. });
    use_document_view(document, concerns, |document| AttrValue::from(document.text()))
}

/// How the document is connected, what is accepted and what is pending, whether it can be
/// edited, undone, redone.
#[hook]
pub fn use_status(document: &Document) -> Status {
    let concerns = |event: &DocumentEvent| !matches!(event, DocumentEvent::Presence);
    use_document_view(document, concerns, Document::status)
}

/// Everybody who has the document open, this page too, with their selections.
#[hook]
pub fn use_members(document: &Document) -> Rc<Vec<Member>> {
    // Carets move with the text.
    let concerns = |event: &DocumentEvent| {
        matches!(event, DocumentEvent::Presence | DocumentEvent::Change { .. } | DocumentEvent::Opened { .. })
    };
    use_document_view(document, concerns, |document| Rc::new(document.members()))
}

/// The connection, such as `Online`. Documents tell in their status what it means for them.
#[hook]
pub fn use_link() -> LinkState {
    let client = use_client();
    use_view(&client, |client, changed| client.on_link(move |_| changed()), Client::link)
}

#[hook]
fn use_document_view<T: Clone + PartialEq + 'static>(
    document: &Document,
    concerns: fn(&DocumentEvent) -> bool,
    read: fn(&Document) -> T,
) -> T {
    let subscribe = move |document: &Document, changed: Rc<dyn Fn()>| {
        document.subscribe(move |event| {
            if concerns(event) {
                changed();
            }
        })
    };
    use_view(document, subscribe, read)
}

/// What `read` gives of something, read again whenever it says that it has changed.
#[hook]
fn use_view<S: Clone + PartialEq + 'static, T: Clone + PartialEq + 'static>(
    source: &S,
    subscribe: impl Fn(&S, Rc<dyn Fn()>) -> Subscription + 'static,
    read: fn(&S) -> T,
) -> T {
    let update = use_force_update();
    let view = use_mut_ref(|| (source.clone(), read(source)));
    if view.borrow().0 != *source {
        let fresh = (source.clone(), read(source));
        *view.borrow_mut() = fresh;
    }
    let value = view.borrow().1.clone();
    use_effect_with(source.clone(), move |source| {
        let seen = source.clone();
        let changed = Rc::new(move || {
            let now = read(&seen);
            if view.borrow().1 != now {
                view.borrow_mut().1 = now;
                update.force_update();
            }
        });
        let subscription = subscribe(source, changed.clone());
        // Something may have happened since the component was rendered.
        changed();
        move || drop(subscription)
    });
    value
}
