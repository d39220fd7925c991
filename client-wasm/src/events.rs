//! Events and views as JSON text, written by hand: a formatter or a serializer would
//! weigh more than all the rest of the module's own code.

use alloc::string::String;
use alloc::vec::Vec;

use cowrite_client::{DocumentHandle, Engine, Event, LinkState, Loss, Record};
use cowrite_protocol::frame::{Code, Remedy};
use cowrite_protocol::operation::{Component, Document, Json};
use cowrite_protocol::{Cursor, DocumentType, Operation, RichText, UserId, Utf16Offset};

use crate::face;

/// One JSON object, written field by field.
pub(crate) struct Object(String);

impl Object {
    /// An object without fields.
    pub(crate) fn new() -> Object {
        Object(String::from("{"))
    }

    /// An event of this type.
    pub(crate) fn event(kind: &str) -> Object {
        Object::new().text("type", kind)
    }

    /// An event of this type about a document.
    pub(crate) fn of(kind: &str, document: DocumentHandle) -> Object {
        Object::event(kind).number("doc", u64::from(document.0))
    }

    /// A field that holds JSON already. The key needs no escapes.
    pub(crate) fn json(mut self, key: &str, value: &str) -> Object {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(key);
        self.0.push_str("\":");
        self.0.push_str(value);
        self
    }

    /// A field that holds a string.
    pub(crate) fn text(self, key: &str, value: &str) -> Object {
        self.json(key, Json::string(value).as_str())
    }

    /// A field that holds a string or `null`.
    fn text_or_null(self, key: &str, value: Option<&str>) -> Object {
        match value {
            Some(value) => self.text(key, value),
            None => self.json(key, "null"),
        }
    }

    /// A field that holds a number, at most 2^53 − 1.
    fn number(self, key: &str, value: u64) -> Object {
        self.json(key, &decimal(value))
    }

    /// A field that holds a number or `null`.
    fn number_or_null(self, key: &str, value: Option<u64>) -> Object {
        match value {
            Some(value) => self.number(key, value),
            None => self.json(key, "null"),
        }
    }

    fn truth(self, key: &str, value: bool) -> Object {
        self.json(key, if value { "true" } else { "false" })
    }

    /// The object's text.
    pub(crate) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// The connection changed.
pub(crate) fn link(state: LinkState) -> String {
    let (retry, code) = match state {
        LinkState::Offline { retry_in_ms, loss } => (Some(retry_in_ms), loss.map(Loss::name)),
        LinkState::Stopped(code) => (None, Some(code.name())),
        _ => (None, None),
    };
    Object::event("link")
        .text("state", face::link_name(state))
        .number_or_null("retry_in_ms", retry)
        .text_or_null("code", code)
        .finish()
}

/// An event of a document, but for `Status` and `Presence`, which are told once however
/// many of them there were.
pub(crate) fn document(
    handle: DocumentHandle,
    event: &Event<RichText>,
    engine: &Engine<RichText>,
    user: Option<&UserId>,
) -> Option<String> {
    Some(match event {
        Event::Opened { first } => Object::of("opened", handle)
            .text("role", face::role_name(engine.role()))
            .number("number", engine.number().map_or(0, |number| u64::from(number.0)))
            .text("user", user.map_or("", UserId::as_str))
            .truth("first", *first)
            .finish(),
        Event::Change { operation, origin, user, cursor } => {
            let change = Object::of("change", handle)
                .text("origin", face::origin_name(*origin))
                .text_or_null("user", user.as_ref().map(UserId::as_str))
                .json("delta", &delta(operation));
            match cursor {
                Some(cursor) => change.json("selection", &self::cursor(cursor)),
                None => change,
            }
            .finish()
        }
        Event::Rejected { from, to, code, operation } => Object::of("rejected", handle)
            .number("from", *from)
            .number("to", *to)
            .text("code", code.name())
            .json("delta", &delta(operation))
            .finish(),
        Event::Merged { replaced, of } => {
            Object::of("merged", handle).number("replaced", *replaced).number("of", u64::from(*of)).finish()
        }
        Event::Review => Object::of("review", handle).finish(),
        Event::Proposal { id, kind } => Object::of("proposal", handle)
            .number("id", u64::from(*id))
            .text("kind", face::proposal_name(*kind))
            .finish(),
        Event::ProposalSettled { id, refused } => Object::of("proposal_settled", handle)
            .number("id", u64::from(*id))
            .text_or_null("code", refused.map(Code::name))
            .finish(),
        Event::Diverged => Object::of("diverged", handle).finish(),
        Event::Closed { code, remedy } => {
            Object::of("closed", handle).text("code", code.name()).truth("retry", *remedy != Remedy::Stop).finish()
        }
        Event::Status | Event::Presence => return None,
    })
}

/// An operation that changes one place of plain text, as nearly every one does: where, how many units it deletes,
/// and what it inserts.
pub(crate) fn one_place(operation: &Operation) -> Option<(u32, u32, &str)> {
    let (at, rest) = match operation.components() {
        [Component::Retain { length, attributes }, rest @ ..] if attributes.is_empty() => (length.0, rest),
        all => (0, all),
    };
    let (inserted, rest) = match rest {
        [Component::Insert { text, attributes }, rest @ ..] if attributes.is_empty() => (text.as_str(), rest),
        rest => ("", rest),
    };
    match rest {
        [] => Some((at, 0, inserted)),
        [Component::Delete { length }] => Some((at, length.0, inserted)),
        _ => None,
    }
}

/// What the device keeps of a document is asked for; `user` is whose, where that is known.
pub(crate) fn load(handle: DocumentHandle, user: Option<&UserId>) -> String {
    Object::of("load", handle).text_or_null("user", user.map(UserId::as_str)).finish()
}

/// A record is to be stored.
pub(crate) fn store(handle: DocumentHandle, ticket: u32, record: &Record) -> String {
    Object::of("store", handle)
        .number("ticket", u64::from(ticket))
        .text("user", record.user.as_str())
        .truth("pending", record.pending)
        .finish()
}

/// Members or their cursors changed.
pub(crate) fn presence(handle: DocumentHandle) -> String {
    Object::of("presence", handle).finish()
}

/// Everybody who has the document open, without cursors, which move more often than all else changes.
pub(crate) fn members(engine: &Engine<RichText>) -> String {
    list(engine.members(), |member| {
        // Another member may have sent what is no JSON; it must not spoil the list.
        let state = Json::parse(member.state).unwrap_or_else(|_| Json::null());
        Object::new()
            .number("number", u64::from(member.number.0))
            .text("user", member.user.as_str())
            .text("name", member.name)
            .json("state", state.as_str())
            .text("active", face::activity_name(member.activity))
            .truth("self", member.own)
            .finish()
    })
}

/// Where the cursors are: the revision of the list of members, and then for each who shows one its number, its
/// anchor and its head.
pub(crate) fn carets(engine: &Engine<RichText>) -> Vec<u32> {
    let mut carets = Vec::from([engine.members_revision()]);
    for member in engine.members() {
        // The face knows one selection; an editor with several shows its first.
        if let Some(selection) = member.cursor.and_then(|cursor| cursor.0.first().copied()) {
            carets.extend([member.number.0, selection.anchor.0, selection.head.0]);
        }
    }
    carets
}

/// The work that waits for a decision.
pub(crate) fn proposals(engine: &Engine<RichText>) -> String {
    list(engine.proposals(), |proposal| {
        Object::new()
            .number("id", u64::from(proposal.id))
            .text("kind", face::proposal_name(proposal.kind))
            .json("delta", &delta(&proposal.operation))
            .finish()
    })
}

/// A merge that waits for an answer, as four contents; `null` where none does.
pub(crate) fn review(engine: &Engine<RichText>) -> String {
    let Some(review) = engine.review() else { return String::from("null") };
    let whole = |document: &Document| delta(&document.to_operation());
    Object::new()
        .json("before", &whole(review.before))
        .json("mine", &whole(&review.mine))
        .json("theirs", &whole(review.theirs))
        .json("merged", &whole(review.merged))
        .finish()
}

/// The text of a document.
pub(crate) fn text(document: &Document) -> String {
    // The whole is always there; a formatter for the same would weigh more.
    document.text().slice(Utf16Offset::ZERO, document.length()).unwrap_or_default()
}

/// The operation as a Quill Delta: a JSON array.
pub(crate) fn delta(operation: &Operation) -> String {
    let mut delta = operation.to_delta();
    delta.pop();
    delta.split_off("{\"ops\":".len())
}

/// Operations that follow one another, as one Delta.
pub(crate) fn composed_delta<'a>(operations: impl IntoIterator<Item = &'a Operation>) -> String {
    let mut whole = Operation::identity();
    for operation in operations {
        // Each fits the text after the one before, so they compose.
        if let Ok(composed) = RichText::compose(&whole, operation) {
            whole = composed;
        }
    }
    delta(&whole)
}

/// What happened to the module itself. What is pending can be read.
pub(crate) fn panic(message: &str) -> String {
    Object::event("panic").text("message", message).finish()
}

fn cursor(cursor: &Cursor) -> String {
    // The face knows one selection; an editor with several shows its first.
    cursor.0.first().map_or_else(
        || String::from("null"),
        |selection| {
            Object::new()
                .number("anchor", u64::from(selection.anchor.0))
                .number("head", u64::from(selection.head.0))
                .finish()
        },
    )
}

fn list<T>(items: impl IntoIterator<Item = T>, write: impl Fn(T) -> String) -> String {
    let mut out = String::from("[");
    for item in items {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(&write(item));
    }
    out.push(']');
    out
}

fn decimal(number: u64) -> String {
    let mut digits = Vec::new();
    let mut rest = number;
    loop {
        // The remainder is below ten.
        digits.push(b'0' + (rest % 10) as u8);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    digits.iter().rev().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANDLE: DocumentHandle = DocumentHandle(1);

    fn check(event: Event<RichText>, json: &str) {
        let engine = Engine::new("notes".parse().unwrap());
        assert_eq!(document(HANDLE, &event, &engine, None).as_deref(), Some(json));
    }

    #[test]
    fn events_are_json_whatever_they_hold() {
        let operation = Operation::from_delta("[{\"retain\":1},{\"insert\":\"\\\"\\\\\\n\\u0001é🏆\"}]").unwrap();
        check(
            Event::Change {
                operation,
                origin: cowrite_client::Origin::Remote,
                user: Some("a\"b\\".parse().unwrap()),
                cursor: None,
            },
            r#"{"type":"change","doc":1,"origin":"remote","user":"a\"b\\","delta":[{"retain":1},{"insert":"\"\\\n\u0001é🏆"}]}"#,
        );
        check(
            Event::Change {
                operation: Operation::builder().insert("x").build(),
                origin: cowrite_client::Origin::Undo,
                user: None,
                cursor: Some(Cursor::caret(Utf16Offset(1))),
            },
            r#"{"type":"change","doc":1,"origin":"undo","user":null,"delta":[{"insert":"x"}],"selection":{"anchor":1,"head":1}}"#,
        );
        check(
            Event::Rejected {
                from: 10,
                to: 12,
                code: Code::ReadOnly,
                operation: Operation::builder().insert("x").build(),
            },
            r#"{"type":"rejected","doc":1,"from":10,"to":12,"code":"read_only","delta":[{"insert":"x"}]}"#,
        );
        check(
            Event::Closed { code: Code::Superseded, remedy: Remedy::NewClientId },
            r#"{"type":"closed","doc":1,"code":"superseded","retry":true}"#,
        );
        assert_eq!(
            link(LinkState::Offline { retry_in_ms: 4_000, loss: None }),
            r#"{"type":"link","state":"offline","retry_in_ms":4000,"code":null}"#
        );
        assert_eq!(
            link(LinkState::Offline { retry_in_ms: 0, loss: Some(Loss::NoToken) }),
            r#"{"type":"link","state":"offline","retry_in_ms":0,"code":"token_failed"}"#
        );
        assert_eq!(
            link(LinkState::Stopped(Code::Unauthorized)),
            r#"{"type":"link","state":"stopped","retry_in_ms":null,"code":"unauthorized"}"#
        );
    }

    #[test]
    fn one_place_is_told_from_several() {
        let place = |delta: &str| {
            let operation = Operation::from_delta(delta).unwrap();
            one_place(&operation).map(|(at, deleted, inserted)| (at, deleted, String::from(inserted)))
        };
        assert_eq!(place("[]"), Some((0, 0, String::new())));
        assert_eq!(place(r#"[{"insert":"a🏆"}]"#), Some((0, 0, "a🏆".into())));
        assert_eq!(place(r#"[{"retain":7},{"delete":2}]"#), Some((7, 2, String::new())));
        assert_eq!(place(r#"[{"retain":7},{"delete":2},{"insert":"a"}]"#), Some((7, 2, "a".into())));
        for delta in [
            r#"[{"retain":1,"attributes":{"bold":true}}]"#,
            r#"[{"insert":"a","attributes":{"bold":true}}]"#,
            r#"[{"insert":{"image":"x"}}]"#,
            r#"[{"insert":"a"},{"insert":"b","attributes":{"bold":true}}]"#,
            r#"[{"insert":"a"},{"retain":1},{"delete":1}]"#,
            r#"[{"delete":1},{"retain":1},{"delete":1}]"#,
            r#"[{"delete":1},{"retain":1,"attributes":{"bold":true}}]"#,
        ] {
            assert_eq!(place(delta), None, "{delta}");
        }
    }

    #[test]
    fn numbers_are_written_to_the_last_digit() {
        for number in [0, 9, 10, 12_345, (1 << 53) - 1] {
            assert_eq!(decimal(number), number.to_string());
        }
    }

    #[test]
    fn what_is_pending_is_one_delta() {
        let operations = ["[{\"insert\":\"ab\"}]", "[{\"retain\":1},{\"insert\":\"x\"}]"]
            .map(|delta| Operation::from_delta(delta).unwrap());
        assert_eq!(composed_delta(&operations), r#"[{"insert":"axb"}]"#);
        assert_eq!(panic("p\""), r#"{"type":"panic","message":"p\""}"#);
        assert_eq!(composed_delta(&[]), "[]");
    }
}
