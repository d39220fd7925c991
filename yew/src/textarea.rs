//! A text area that shows a document.

use cowrite_client_wasm::front::{Document, TextareaBinding};
use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

/// The node reference of a text area that shows the document: edits of either appear in the
/// other, and caret, selection and scroll position stay where they are in the text. Undo and
/// redo, by key or menu, take back only what was edited here. Give the element no `value`.
#[hook]
pub fn use_textarea(document: &Document) -> NodeRef {
    let node = use_node_ref();
    let bound = use_mut_ref(|| None::<(HtmlTextAreaElement, Document, TextareaBinding)>);
    let (element, document) = (node.clone(), document.clone());
    use_effect(move || {
        let element = element.cast::<HtmlTextAreaElement>();
        let mut bound = bound.borrow_mut();
        let same = bound.as_ref().is_some_and(|(to, of, _)| Some(to) == element.as_ref() && *of == document);
        if !same {
            // The former one's end comes first, or it would end the new one's selection.
            *bound = None;
            *bound = element.map(|element| {
                let binding = document.bind_textarea(&element);
                (element, document, binding)
            });
        }
    });
    node
}
