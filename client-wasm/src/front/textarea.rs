//! A text area that shows a document.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use cowrite_client::Origin;
use cowrite_protocol::{Bias, Cursor, DocumentType, Operation, RichText, Selection, Utf16Offset};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Event, HtmlTextAreaElement, InputEvent, KeyboardEvent};

use super::difference::{difference, replacement};
use super::document::{Document, DocumentEvent};
use super::listener::Listener;
use super::listeners::Subscription;
use super::view::View;

/// A bound text area. Dropping it ends the binding: the element keeps its text, and is as
/// editable as it was before.
#[must_use = "what is dropped ends"]
#[derive(Debug)]
pub struct TextareaBinding {
    _subscription: Subscription,
    binding: Rc<Binding>,
}

struct Binding {
    element: HtmlTextAreaElement,
    document: Document,
    was_read_only: bool,
    listeners: RefCell<Vec<Listener>>,
    shown: RefCell<Shown>,
    /// While an input method composes, the element is left alone.
    composing: Cell<bool>,
    /// Whether the document is being changed by this binding.
    own: Cell<bool>,
    scheduled: Cell<bool>,
    /// The selection that the others know, in offsets of the document.
    sent: Cell<Option<Selection>>,
}

/// What element and document last agreed on, and what has happened to the document since.
struct Shown {
    view: View,
    held: Operation,
    /// Where an undo among it put the selection, in offsets of the document.
    restored: Option<Selection>,
    /// Whether the document is shown as it is, whatever the element holds.
    anew: bool,
}

impl TextareaBinding {
    pub(super) fn new(element: HtmlTextAreaElement, document: Document) -> TextareaBinding {
        let shown = Shown { view: View::of(Vec::new()), held: Operation::identity(), restored: None, anew: true };
        let binding = Rc::new(Binding {
            was_read_only: element.read_only(),
            element,
            document,
            listeners: RefCell::default(),
            shown: RefCell::new(shown),
            composing: Cell::new(false),
            own: Cell::new(false),
            scheduled: Cell::new(false),
            sent: Cell::new(None),
        });
        let weak = Rc::downgrade(&binding);
        let subscription = binding.document.subscribe(move |event| {
            if let Some(binding) = weak.upgrade() {
                binding.hear(event);
            }
        });
        binding.listen();
        binding.guard();
        binding.merge();
        TextareaBinding { _subscription: subscription, binding }
    }
}

impl Drop for TextareaBinding {
    fn drop(&mut self) {
        let binding = &self.binding;
        // What an input method has not finished yet is in the element, and belongs to the user.
        binding.composing.set(false);
        binding.merge();
        binding.listeners.borrow_mut().clear();
        binding.element.set_read_only(binding.was_read_only);
        if binding.sent.get().is_some() {
            binding.document.clear_selection();
        }
    }
}

impl Binding {
    fn listen(self: &Rc<Binding>) {
        let element: &web_sys::EventTarget = &self.element;
        let mut listeners = vec![
            self.on(element, "input", |binding, event| {
                let event = event.dyn_ref::<InputEvent>();
                if !event.is_some_and(InputEvent::is_composing) {
                    binding.merge();
                }
                if event.is_some_and(|event| stands_alone(&event.input_type())) {
                    binding.document.stop_capturing();
                }
            }),
            self.on(element, "compositionstart", |binding, _| binding.composing.set(true)),
            self.on(element, "compositionend", |binding, _| {
                binding.composing.set(false);
                binding.merge();
            }),
            self.on(element, "keydown", |binding, event| {
                let travel = event.dyn_ref().and_then(travel_by_key);
                binding.travel(travel, event);
            }),
            self.on(element, "beforeinput", |binding, event| {
                let kind = event.dyn_ref().map(InputEvent::input_type).unwrap_or_default();
                if stands_alone(&kind) {
                    binding.document.stop_capturing();
                }
                let undo = (kind == "historyUndo").then_some(Travel::Undo);
                binding.travel(undo.or((kind == "historyRedo").then_some(Travel::Redo)), event);
            }),
            self.on(element, "focus", |binding, _| binding.send_selection()),
        ];
        let page = self.element.owner_document();
        listeners.extend(page.map(|page| self.on(&page, "selectionchange", |binding, _| binding.send_selection())));
        *self.listeners.borrow_mut() = listeners;
    }

    fn on(
        self: &Rc<Binding>,
        target: &web_sys::EventTarget,
        name: &'static str,
        hear: fn(&Binding, &Event),
    ) -> Listener {
        let binding: Weak<Binding> = Rc::downgrade(self);
        Listener::new(target, name, move |event| {
            if let Some(binding) = binding.upgrade() {
                hear(&binding, &event);
            }
        })
    }

    fn hear(self: &Rc<Binding>, event: &DocumentEvent) {
        match event {
            DocumentEvent::Change { origin: Origin::Local, .. } if self.own.get() => return,
            DocumentEvent::Change { operation, cursor, .. } => self.hold(operation, cursor.as_ref()),
            DocumentEvent::Opened { first } => self.shown.borrow_mut().anew |= first,
            DocumentEvent::Closed { .. } | DocumentEvent::Status => return self.guard(),
            _ => return,
        }
        self.guard();
        // The document holds all changes of one call before it tells the first of them: they are
        // taken in when the last has been told, and only then its offsets mean what they say.
        if !self.scheduled.replace(true) {
            let binding = Rc::downgrade(self);
            spawn_local(async move {
                let Some(binding) = binding.upgrade() else { return };
                binding.scheduled.set(false);
                // A binding that has ended hears nothing any more.
                if !binding.listeners.borrow().is_empty() {
                    binding.merge();
                }
            });
        }
    }

    fn hold(&self, operation: &Operation, cursor: Option<&Cursor>) {
        let mut shown = self.shown.borrow_mut();
        match RichText::compose(&shown.held, operation) {
            Ok(held) => shown.held = held,
            // Not expected: each fits the text after the one before.
            Err(_) => shown.anew = true,
        }
        let restored = shown.restored.map(|selection| selection.map::<RichText>(operation));
        shown.restored = cursor.and_then(|cursor| cursor.0.first().copied()).or(restored);
    }

    fn guard(&self) {
        let read_only = self.was_read_only || self.document.status().read_only;
        if self.element.read_only() != read_only {
            self.element.set_read_only(read_only);
        }
    }

    fn travel(&self, travel: Option<Travel>, event: &Event) {
        let Some(travel) = travel else { return };
        // Also where there is nothing to undo: the browser's own undo would bring back an old text.
        event.prevent_default();
        if self.composing.get() || self.element.read_only() {
            return;
        }
        self.merge();
        // What cannot be undone now can be tried again; the text says that nothing has happened.
        let _ = match travel {
            Travel::Undo => self.document.undo(),
            Travel::Redo => self.document.redo(),
        };
        self.merge();
    }

    /// Brings the user's edits into the document, and the document's changes into the element.
    fn merge(&self) {
        if self.composing.get() {
            return;
        }
        let Some(stored) = self.document.units() else { return };
        let (held, restored, anew) = {
            let mut shown = self.shown.borrow_mut();
            let held = core::mem::replace(&mut shown.held, Operation::identity());
            (held, shown.restored.take(), core::mem::take(&mut shown.anew))
        };
        let selection = self.selection();
        if anew {
            return self.show(View::of(stored), |_| selection, false);
        }
        let value: Vec<u16> = self.element.value().encode_utf16().collect();
        let caret = selection.anchor.max(selection.head).0 as usize;
        let local = difference(&self.shown.borrow().view.text, &value, caret);
        match local {
            Some(local) => {
                self.merge_local(&value, &local.range, &local.insert, &held, selection);
                self.send_selection();
            }
            None if held == Operation::identity() && restored.is_none() => {}
            None => {
                let mapped = {
                    let view = &self.shown.borrow().view;
                    let stored = |at: Utf16Offset| Utf16Offset(view.stored(at.0 as usize));
                    Selection { anchor: stored(selection.anchor), head: stored(selection.head) }.map::<RichText>(&held)
                };
                let goal = restored.unwrap_or(mapped);
                self.show(View::of(stored), |view| shown_in(view, goal), restored.is_some());
                // The engine has carried the others' picture of it along by the same rule.
                let known = self.sent.get().map(|sent| sent.map::<RichText>(&held));
                self.sent.set(known.filter(|_| restored.is_none()));
                self.send_selection();
            }
        }
    }

    /// The user has edited what the element showed; the document may have gone on since then.
    fn merge_local(
        &self,
        value: &[u16],
        range: &std::ops::Range<usize>,
        insert: &std::ops::Range<usize>,
        held: &Operation,
        selection: Selection,
    ) {
        let (start, end) = {
            let view = &self.shown.borrow().view;
            (view.stored(range.start), view.stored(range.end))
        };
        let text = String::from_utf16_lossy(&value[insert.clone()]);
        let local = replacement(start..end, &text);
        // Where both inserted at one place, what the document has already stays left.
        let (held_after, local_after) = RichText::transform(held, &local);
        self.own.set(true);
        let taken = self.document.edit(&local_after).is_ok();
        self.own.set(false);
        if taken && *held == Operation::identity() && self.shown.borrow().view.is_plain() {
            // Both have gone the same way, which is so for all that one types alone.
            self.shown.borrow_mut().view = View::of(value.to_vec());
            return;
        }
        let place = |offset: Utf16Offset| {
            let at = offset.0 as usize;
            let place = if at <= insert.start {
                self.shown.borrow().view.stored(at)
            } else if at <= insert.end {
                // Within what was typed, which is in the document as it was typed.
                start + (at - insert.start) as u32
            } else {
                let before = self.shown.borrow().view.stored(at - insert.len() + range.len());
                before - (end - start) + insert.len() as u32
            };
            let (over, place) = if taken { (&held_after, place) } else { (held, place.min(start)) };
            over.map_offset(Utf16Offset(place), Bias::Left)
        };
        let goal = Selection { anchor: place(selection.anchor), head: place(selection.head) };
        let Some(stored) = self.document.units() else { return };
        self.show(View::of(stored), |view| shown_in(view, goal), false);
    }

    /// Makes the element show the view, by the smallest change; the selection, in offsets of the
    /// view, is set where that moves it, or if `select`.
    fn show(&self, view: View, selection: impl FnOnce(&View) -> Selection, select: bool) {
        let selection = selection(&view);
        let element = &self.element;
        let value: Vec<u16> = element.value().encode_utf16().collect();
        let caret = selection.anchor.max(selection.head).0 as usize;
        let change = difference(&value, &view.text, caret);
        if change.is_some() || select {
            let (top, left) = (element.scroll_top(), element.scroll_left());
            if let Some(change) = change {
                let text = String::from_utf16_lossy(&view.text[change.insert]);
                let (start, end) = (change.range.start as u32, change.range.end as u32);
                // Both lie within the element's text, so none of this is refused.
                let _ = element.set_range_text_with_start_and_end_and_mode(&text, start, end, "preserve");
            }
            let Selection { anchor, head } = selection;
            let direction = if anchor > head { "backward" } else { "forward" };
            let _ = element.set_selection_range_with_direction(anchor.min(head).0, anchor.max(head).0, direction);
            element.set_scroll_top(top);
            element.set_scroll_left(left);
        }
        self.shown.borrow_mut().view = view;
    }

    fn selection(&self) -> Selection {
        let end = |found: Result<Option<u32>, _>| Utf16Offset(found.ok().flatten().unwrap_or_default());
        let (start, end) = (end(self.element.selection_start()), end(self.element.selection_end()));
        let backward = self.element.selection_direction().is_ok_and(|found| found.as_deref() == Some("backward"));
        if backward { Selection { anchor: end, head: start } } else { Selection { anchor: start, head: end } }
    }

    fn send_selection(&self) {
        let is_current = {
            let shown = self.shown.borrow();
            // An input event that is still to come has moved the caret already: it will send it.
            shown.held == Operation::identity()
                && !shown.anew
                && self.element.text_length() as usize == shown.view.text.len()
        };
        if self.composing.get() || !is_current || !self.element.matches(":focus").unwrap_or_default() {
            return;
        }
        let Selection { anchor, head } = self.selection();
        let (anchor, head) = {
            let view = &self.shown.borrow().view;
            (view.stored(anchor.0 as usize), view.stored(head.0 as usize))
        };
        let selection = Selection { anchor: Utf16Offset(anchor), head: Utf16Offset(head) };
        if self.sent.replace(Some(selection)) != Some(selection) {
            self.document.set_selection(anchor, head);
        }
    }
}

impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Binding").field(&self.document).finish()
    }
}

/// Which way the history is walked.
#[derive(Clone, Copy)]
enum Travel {
    Undo,
    Redo,
}

fn travel_by_key(event: &KeyboardEvent) -> Option<Travel> {
    if event.is_composing() || event.alt_key() || event.ctrl_key() == event.meta_key() {
        return None;
    }
    let (key, code) = (event.key(), event.code());
    // The key that bears the letter; where letters are not Latin, the place of it.
    let is_latin = key.len() == 1 && key.is_ascii();
    let letter = if is_latin { key.to_ascii_lowercase() } else { code.trim_start_matches("Key").to_ascii_lowercase() };
    match letter.as_str() {
        "z" if event.shift_key() => Some(Travel::Redo),
        "z" => Some(Travel::Undo),
        "y" if event.ctrl_key() && !event.shift_key() => Some(Travel::Redo),
        _ => None,
    }
}

/// Whether an edit is undone alone, however soon it comes after others.
fn stands_alone(input_type: &str) -> bool {
    input_type.starts_with("insertFrom") || input_type.starts_with("deleteBy")
}

fn shown_in(view: &View, selection: Selection) -> Selection {
    let shown = |at: Utf16Offset| Utf16Offset(view.shown(at.0));
    Selection { anchor: shown(selection.anchor), head: shown(selection.head) }
}
