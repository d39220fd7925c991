//! One client with a document: any frames and any calls, in any state.

use std::collections::VecDeque;

use cowrite_client::{
    DocumentHandle, Engine, Event, Found, Output, Record, ReviewRule, Session, SessionEvent, SessionSettings, Verdict,
    Written,
};
use cowrite_protocol::codec::decode_client;
use cowrite_protocol::frame::{Activity, ClientFrame};
use cowrite_protocol::hash::Checksummer;
use cowrite_protocol::operation::{Document, RichText};
use cowrite_protocol::{Cursor, DocumentId, DocumentType, Millis, Utf16Offset};

use super::choices::Choices;
use super::laid::laid;
use super::say::{self, Known};

/// A session does by choices what its user, its host, its device and a server that need not make sense may ask of
/// it. It never panics, sends only what can be read, always shows what it accepted with what is pending, tells
/// its application exactly that, and writes records that it can read.
pub fn engine(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut host = Host::new(choices.one_in(2), &mut choices);
    for _ in 0..200 {
        if choices.is_empty() {
            break;
        }
        host.act(&mut choices);
        host.drain(&mut choices);
        host.check();
    }
}

struct Host {
    session: Session<RichText>,
    handle: DocumentHandle,
    now: Millis,
    request: u32,
    from_events: Document,
    writes: VecDeque<(u32, Record)>,
    base: Vec<u8>,
    work: Vec<u8>,
    reviewed: Option<Document>,
}

fn document() -> DocumentId {
    match "fuzzed".parse() {
        Ok(document) => document,
        Err(error) => unreachable!("the name of the document is one: {error}"),
    }
}

impl Host {
    fn new(keeps: bool, choices: &mut Choices<'_>) -> Host {
        let mut session = Session::new(SessionSettings::new(1));
        let now = Millis(1_000_000);
        let opened = if keeps { session.open_kept(document(), "", now) } else { session.open(document(), "", now) };
        // A session that was just made has nothing open.
        let handle = opened.unwrap_or(DocumentHandle(0));
        session.connect(now);
        let mut host = Host {
            session,
            handle,
            now,
            request: 0,
            from_events: Document::new(),
            writes: VecDeque::new(),
            base: Vec::new(),
            work: Vec::new(),
            reviewed: None,
        };
        host.drain(choices);
        host
    }

    fn act(&mut self, choices: &mut Choices<'_>) {
        let (handle, now) = (self.handle, self.now);
        match choices.below(40) {
            0..=15 => {
                let message = self.frame(choices);
                self.session.handle_message(&message, now);
            }
            16 => {
                let message = choices.bytes();
                self.session.handle_message(message, now);
            }
            // Several frames in one message.
            17 => {
                let mut message = self.frame(choices);
                for _ in 0..choices.below(4) {
                    message.extend(self.frame(choices));
                }
                self.session.handle_message(&message, now);
            }
            18..=22 => {
                let Some(engine) = self.session.engine(handle) else { return };
                let operation = laid(choices, engine.document());
                if choices.one_in(8) {
                    let _ = self.session.edit_unrecorded(handle, &operation, now);
                } else {
                    let _ = self.session.edit(handle, &operation, now);
                }
            }
            // One that need not fit.
            23 => {
                if let Ok(operation) = RichText::decode(choices.bytes(), &Default::default()) {
                    let _ = self.session.edit(handle, &operation, now);
                }
            }
            24 => drop(self.session.undo(handle, now)),
            25 => drop(self.session.redo(handle, now)),
            26 | 27 => {
                let waits = [0, 1, 50, 300, 2_000, 10_000, 60_000, 4_000_000];
                self.now = now + choices.pick(&waits);
                self.session.handle_timeout(self.now, choices.below(2) * 100);
            }
            28 => {
                self.now = self.session.poll_timeout().map_or(now, |at| at.max(now));
                self.session.handle_timeout(self.now, 0);
            }
            29 => self.session.handle_disconnected(now),
            30 | 31 => self.session.connect(now),
            32 => match choices.below(8) {
                0 => self.session.handle_wake(now),
                1 => self.session.refresh_token(now),
                2 => self.session.handle_token_failure(now),
                3 => self.session.provide_token("another", now),
                4 => self.session.store_now(now),
                5 => self.session.stop_capturing(handle),
                6 => drop(self.session.set_presence(handle, Some("{}"), Activity::Away, now)),
                _ => {
                    let rule = ReviewRule { waited_ms: 1_000, deleted_percent: 10 };
                    self.session.set_review_rule(handle, choices.one_in(2).then_some(rule), now);
                }
            },
            33 => {
                let at = if choices.one_in(8) { choices.u32() } else { u32::from(choices.byte() % 16) };
                self.session.set_cursor(handle, Cursor::caret(Utf16Offset(at)), now);
            }
            34 => {
                let Some(engine) = self.session.engine(handle) else { return };
                let proposals: Vec<u32> = engine.proposals().iter().map(|proposal| proposal.id).collect();
                let Some(id) = proposals.get(choices.below(4)).or(proposals.first()).copied() else { return };
                if choices.one_in(2) {
                    self.session.discard_proposal(handle, id, now);
                } else {
                    let _ = self.session.accept_proposal(handle, id, now);
                }
            }
            35 => {
                let verdict = match choices.below(3) {
                    0 => Verdict::Merged,
                    1 => Verdict::Theirs,
                    _ => Verdict::Change(laid(choices, self.reviewed.as_ref().unwrap_or(&Document::new()))),
                };
                let _ = self.session.answer_review(handle, verdict, now);
            }
            36 | 37 => {
                let Some((ticket, record)) = self.writes.pop_front() else { return };
                let written = match choices.below(8) {
                    0 => Written::Failed,
                    1 => Written::Emptied,
                    _ => Written::Stored,
                };
                if written == Written::Stored {
                    record.base.into_iter().for_each(|base| self.base = base);
                    self.work = record.work;
                }
                self.session.handle_stored(handle, ticket, written, now);
            }
            38 => self.reload(choices),
            _ => {
                self.session.close(handle, now);
                self.open(choices);
            }
        }
    }

    /// The page is loaded again, and reads what its device has kept, or what has become of that.
    fn reload(&mut self, choices: &mut Choices<'_>) {
        if choices.one_in(4) {
            damage(&mut self.base, choices);
            damage(&mut self.work, choices);
        }
        // A record is read, or refused, by itself too.
        let _ = Engine::<RichText>::restore(document(), &self.base, &self.work);
        let fresh = Host::new(true, &mut Choices::new(&[]));
        let (base, work) = (std::mem::take(&mut self.base), std::mem::take(&mut self.work));
        *self = Host { base, work, now: self.now, ..fresh };
        self.drain(choices);
    }

    fn open(&mut self, choices: &mut Choices<'_>) {
        self.from_events = Document::new();
        self.reviewed = None;
        self.writes.clear();
        let now = self.now;
        let opened = match choices.one_in(2) {
            true => self.session.open_kept(document(), "", now),
            false => self.session.open(document(), "", now),
        };
        match opened {
            Ok(handle) => self.handle = handle,
            Err(error) => panic!("it was closed, and cannot be opened: {error}"),
        }
    }

    fn frame(&self, choices: &mut Choices<'_>) -> Vec<u8> {
        let nothing = Document::new();
        let engine = self.session.engine(self.handle);
        let in_flight = engine.and_then(|engine| {
            let (seq, operation) = (engine.in_flight()?, engine.pending().next()?);
            let mut packed = Vec::new();
            RichText::encode(operation, &mut packed);
            Some((seq, packed))
        });
        let position = engine.and_then(Engine::position);
        let (loaded, position) = (position.is_some(), position.unwrap_or_default());
        let known = Known {
            request: self.request,
            client: engine.and_then(Engine::client),
            loaded,
            version: position.version,
            hash: position.hash,
            accepted: engine.map_or(&nothing, Engine::accepted_document),
            in_flight,
        };
        say::frame(choices, &known)
    }

    fn drain(&mut self, choices: &mut Choices<'_>) {
        let mut outputs = 0;
        while let Some(output) = self.session.poll_output() {
            outputs += 1;
            assert!(outputs < 10_000, "there is no end to what it asks for: {output:?}");
            match output {
                Output::NeedToken => self.session.provide_token("token", self.now),
                Output::Connect if choices.one_in(8) => self.session.handle_disconnected(self.now),
                Output::Connect => {
                    self.session.handle_connected(self.now);
                    self.session.handle_message(&say::welcome(choices), self.now);
                }
                Output::Send(message) => self.read(&message),
                Output::Disconnect => {}
                Output::Load { handle, .. } => {
                    let found = match choices.below(8) {
                        0 => Found::Unavailable,
                        _ if self.work.is_empty() => Found::Nothing,
                        _ => Found::Record { base: &self.base, work: &self.work, age_ms: u64::from(choices.byte()) },
                    };
                    let _ = self.session.handle_loaded(handle, found, self.now);
                }
                Output::Store { handle, ticket, record } if handle == self.handle => {
                    // What it writes it can read, if the base is one that is stored already.
                    if let Some(base) = &record.base {
                        let restored = Engine::<RichText>::restore(record.document.clone(), base, &record.work);
                        let (restored, user) = restored.unwrap_or_else(|error| panic!("it wrote what is {error}"));
                        assert_eq!(user, record.user);
                        assert_eq!(restored.pending().count() > 0 || !restored.proposals().is_empty(), record.pending);
                    }
                    self.writes.push_back((ticket, record));
                }
                Output::Store { .. } => {}
                Output::Event(SessionEvent::Document(handle, event)) if handle == self.handle => self.hear(event),
                Output::Event(_) => {}
            }
        }
    }

    fn read(&mut self, message: &[u8]) {
        for frame in decode_client(message, 256 << 10) {
            match frame {
                Ok(ClientFrame::Open { request, .. }) => self.request = request,
                Ok(_) => {}
                Err(error) => panic!("it sends what cannot be read: {error}"),
            }
        }
    }

    fn hear(&mut self, event: Event<RichText>) {
        match event {
            Event::Change { operation, .. } => {
                if let Err(error) = RichText::apply(&mut self.from_events, &operation) {
                    panic!("an event does not fit: {error}");
                }
            }
            Event::Review => self.reviewed = Some(self.from_events.clone()),
            _ => {}
        }
    }

    fn check(&self) {
        let Some(engine) = self.session.engine(self.handle) else { return };
        let mut shown = engine.accepted_document().clone();
        for operation in engine.pending() {
            if let Err(error) = RichText::apply(&mut shown, operation) {
                panic!("what is pending does not fit: {error}");
            }
        }
        // What ended because nothing fitted any more is only to be read.
        if !engine.is_closed() {
            assert_eq!(shown, *engine.document(), "it shows what it accepted with what is pending");
        }
        assert_eq!(self.from_events, *engine.document(), "its events tell what it shows");
        let status = engine.status();
        assert!(status.accepted <= status.local, "{status:?}");
        assert!(status.durable.is_none_or(|durable| durable <= status.accepted), "{status:?}");
        engine.members().for_each(drop);
    }
}

/// Changes some bytes of a part of a record, and perhaps seals it again, as whoever can write to a device could.
fn damage(part: &mut Vec<u8>, choices: &mut Choices<'_>) {
    for _ in 0..choices.below(4) {
        if part.is_empty() {
            return;
        }
        let at = choices.below(part.len());
        match choices.below(4) {
            0 => part.truncate(at),
            1 => part.insert(at, choices.byte()),
            _ => part[at] ^= choices.byte(),
        }
    }
    if choices.one_in(2) && part.len() > 8 {
        part.truncate(part.len() - 8);
        let mut sum = Checksummer::default();
        sum.write(part);
        part.extend(sum.finish().0.to_le_bytes());
    }
}
