//! One user at one client, and what it has been told.

use std::collections::{BTreeMap, BTreeSet};

use cowrite_client::{DocumentHandle, Event, Output, ProposalKind, Session, SessionEvent, SessionSettings};
use cowrite_protocol::operation::{Attributes, Json, Operation};
use cowrite_protocol::text::Utf16Length;
use cowrite_protocol::{Cursor, DocumentId, DocumentType, Millis, RichText, Utf16Offset};

use super::chance::Chance;
use super::device::Device;
use super::link::LinkId;
use super::world::inserted_by;

/// A user with an engine, and a document built from events alone.
pub(super) struct Client {
    pub(super) session: Session<RichText>,
    pub(super) handle: DocumentHandle,
    pub(super) link: Option<LinkId>,
    /// Edits that are still to be made.
    pub(super) left: u64,
    /// What each edit inserted, by its number.
    pub(super) tokens: BTreeMap<u64, String>,
    /// Edits that were refused.
    pub(super) rejected: Vec<(u64, u64, cowrite_protocol::frame::Code)>,
    /// What they would have inserted. Of an edit that went in several submits some may be accepted, and some refused.
    refused: BTreeSet<char>,
    pub(super) proposals: Vec<(u32, ProposalKind)>,
    /// The text as the events tell it.
    pub(super) from_events: <RichText as DocumentType>::Document,
    /// Whether the engine changed since it was last checked.
    pub(super) dirty: bool,
    pub(super) diverged: u64,
    /// How often the user undid or redid something.
    pub(super) undone: u64,
    pub(super) closed: Option<cowrite_protocol::frame::Code>,
    /// When something that it was sent was garbled last.
    pub(super) garbled_at: Option<Millis>,
    /// What its device keeps, if it keeps anything.
    pub(super) device: Device,
    pub(super) keeps: bool,
    /// When the last write that was asked for is done.
    pub(super) stores_until: Millis,
    /// A write has failed in this life of the page.
    pub(super) store_failed: bool,
    /// Tokens that were accepted before the page was killed.
    pub(super) settled: Vec<char>,
    /// Until then the device sleeps.
    pub(super) asleep_until: Millis,
    /// Until then there is no network.
    pub(super) offline_until: Millis,
    /// What it typed last.
    pub(super) typed: Option<char>,
    /// Some of its work was set aside, or carried over a difference: what it typed may have moved.
    pub(super) moved: bool,
    /// That edits up to this one are lost may not be told.
    pub(super) untold: u64,
    /// It was told that edits after this one were accepted and are lost.
    pub(super) lost_after: Option<u64>,
}

impl Client {
    pub(super) fn new(seed: u64, document: DocumentId, keeps: bool, now: Millis) -> Client {
        let mut session = Session::new(SessionSettings::new(seed));
        // A session that was just made has nothing open.
        let opened = if keeps { session.open_kept(document, "", now) } else { session.open(document, "", now) };
        let handle = opened.unwrap_or(DocumentHandle(0));
        session.connect(now);
        Client {
            session,
            handle,
            link: None,
            left: 0,
            tokens: BTreeMap::new(),
            rejected: Vec::new(),
            refused: BTreeSet::new(),
            proposals: Vec::new(),
            from_events: Default::default(),
            dirty: true,
            diverged: 0,
            undone: 0,
            closed: None,
            garbled_at: None,
            device: Device::default(),
            keeps,
            stores_until: now,
            store_failed: false,
            settled: Vec::new(),
            asleep_until: now,
            offline_until: now,
            typed: None,
            moved: false,
            untold: 0,
            lost_after: None,
        }
    }

    /// The page is killed and loaded again: only its device remembers. What was accepted stays
    /// accepted, and what the store has promised to know comes back.
    pub(super) fn crash(&mut self, seed: u64, document: DocumentId, now: Millis) -> Result<(), String> {
        let engine = self.session.engine(self.handle).ok_or("no engine")?;
        let status = engine.status();
        let mut fresh = Client::new(seed, document, self.keeps, now);
        (fresh.offline_until, fresh.moved) = (self.offline_until, self.moved);
        fresh.device = std::mem::take(&mut self.device);
        fresh.device.crash();
        fresh.left = self.left;
        fresh.settled = std::mem::take(&mut self.settled);
        let aside = !self.proposals.is_empty();
        for (edit, token) in &self.tokens {
            if *edit <= status.accepted && !aside && !self.was_refused(*edit) {
                fresh.settled.extend(token.chars());
            } else if !self.store_failed && status.stored.is_some_and(|stored| *edit <= stored) {
                fresh.tokens.insert(*edit, token.clone());
            }
        }
        let stored = status.stored.unwrap_or(0);
        fresh.rejected = self.rejected.iter().filter(|(_, to, _)| *to <= stored).copied().collect();
        fresh.refused = std::mem::take(&mut self.refused);
        // Whom it was told to before remembers, though what was offered is settled since.
        (fresh.diverged, fresh.lost_after) = (self.diverged, self.lost_after);
        // And what could not be told is not told because of that.
        fresh.untold = self.untold;
        *self = fresh;
        Ok(())
    }

    /// Makes one random edit; a token names what it inserts.
    pub(super) fn edit(&mut self, chance: &mut Chance, mixed: bool, token: char, now: Millis) {
        let Some(engine) = self.session.engine(self.handle) else { return };
        if engine.editable().is_err() || self.left == 0 {
            return;
        }
        let text = engine.document().text();
        let length = text.length().0;
        let snap = |at: u64| {
            let at = Utf16Offset(at as u32);
            if text.is_boundary(at) { at } else { Utf16Offset(at.0 - 1) }
        };
        let at = snap(chance.below(u64::from(length) + 1));
        let end = snap((u64::from(at.0) + chance.between(1, 6)).min(u64::from(length)));
        let span = Utf16Length(end.0.saturating_sub(at.0));
        let mut builder = Operation::builder();
        builder.retain(Utf16Length(at.0));
        let mut inserted = true;
        match if mixed { chance.below(10) } else { 0 } {
            6 | 7 => {
                inserted = false;
                builder.delete(span);
            }
            8 => {
                inserted = false;
                let key = if chance.percent(50) { "bold" } else { "color" };
                let value = match chance.below(3) {
                    0 => Json::null(),
                    1 => Json::yes(),
                    _ => Json::string("red"),
                };
                builder.retain_with(span, &Attributes::from_pairs([(key, value)]));
            }
            9 => {
                builder.delete(span).insert(token.to_string().as_str()).insert("😀é");
            }
            5 => {
                builder.insert_with(&token.to_string(), &Attributes::from_pairs([("bold", Json::yes())]));
            }
            _ => {
                builder.insert(&token.to_string());
            }
        }
        if let Some(Ok(edit)) = self.session.edit(self.handle, &builder.build(), now) {
            self.left -= 1;
            self.dirty = true;
            if inserted {
                self.tokens.insert(edit, token.to_string());
            }
            if chance.percent(30) {
                self.session.set_cursor(
                    self.handle,
                    Cursor::caret(Utf16Offset(chance.below(u64::from(length) + 1) as u32)),
                    now,
                );
            }
        }
    }

    /// Types on where it typed last; where that is gone, somewhere. Gives what it follows.
    pub(super) fn type_on(&mut self, chance: &mut Chance, token: char, now: Millis) -> Option<char> {
        let engine = self.session.engine(self.handle)?;
        if engine.editable().is_err() || self.left == 0 {
            return None;
        }
        let (mut at, mut follows) = (None, 0);
        for unit in engine.document().text().chars() {
            follows += unit.len_utf16() as u32;
            if Some(unit) == self.typed {
                at = Some(follows);
            }
        }
        let followed = self.typed.replace(token).filter(|_| at.is_some());
        let Some(at) = at else {
            self.edit(chance, false, token, now);
            return None;
        };
        let edit = Operation::builder().retain(Utf16Length(at)).insert(token.to_string().as_str()).build();
        let Some(Ok(edit)) = self.session.edit(self.handle, &edit, now) else { return None };
        self.left -= 1;
        self.dirty = true;
        self.tokens.insert(edit, token.to_string());
        followed
    }

    /// Pastes more than one submit takes, or deletes about half of the text.
    pub(super) fn edit_much(&mut self, chance: &mut Chance, may_delete: bool, token: char, now: Millis) {
        let Some(engine) = self.session.engine(self.handle) else { return };
        if engine.editable().is_err() || self.left == 0 {
            return;
        }
        let text = engine.document().text();
        let length = text.length().0;
        let snap = |at: u32| if text.is_boundary(Utf16Offset(at)) { at } else { at - 1 };
        let at = snap(chance.below(u64::from(length) + 1) as u32);
        let deletes = may_delete && length > 8 && chance.percent(60);
        let mut builder = Operation::builder();
        if deletes {
            let (from, to) = (snap(at / 2), snap(at / 2 + length / 2));
            builder.retain(Utf16Length(from)).delete(Utf16Length(to - from));
        } else {
            let filling = "pasted ".repeat(chance.between(20, 300) as usize);
            builder.retain(Utf16Length(at)).insert(&format!("{token}{filling}"));
        }
        if let Some(Ok(edit)) = self.session.edit(self.handle, &builder.build(), now) {
            self.left -= 1;
            self.dirty = true;
            if !deletes {
                self.tokens.insert(edit, token.to_string());
            }
        }
    }

    /// Undoes or redoes once. What was deleted by two and is brought back by both is there
    /// twice, and so is what a snapshot has brought back meanwhile, which tells only what it looks like to be
    /// new: the tokens of which there are more now are given; and those that are gone.
    pub(super) fn travel(&mut self, back: bool, now: Millis) -> (String, String) {
        let before = self.session.engine(self.handle).map(|engine| engine.document().text().to_string());
        let travelled = if back { self.session.undo(self.handle, now) } else { self.session.redo(self.handle, now) };
        if !matches!(travelled, Some(Ok(Some(_)))) {
            return Default::default();
        }
        self.dirty = true;
        self.undone += 1;
        let (before, engine) = (before.unwrap_or_default(), self.session.engine(self.handle));
        let after = engine.map(|engine| engine.document().text().to_string()).unwrap_or_default();
        let mut times: BTreeMap<char, (u32, u32)> = BTreeMap::new();
        before.chars().for_each(|unit| times.entry(unit).or_default().0 += 1);
        after.chars().for_each(|unit| times.entry(unit).or_default().1 += 1);
        let returned = times.iter().filter(|(_, (before, after))| after > before).map(|(unit, _)| *unit).collect();
        let gone = times.iter().filter(|(_, (_, after))| *after == 0).map(|(unit, _)| *unit).collect();
        (returned, gone)
    }

    /// Writes what is missing of this by hand: a person who drops a proposal that is there in part.
    /// Gives what was missing.
    pub(super) fn write_again(&mut self, wanted: &str, now: Millis) -> String {
        let Some(engine) = self.session.engine(self.handle) else { return String::new() };
        let text: String = engine.document().text().chars().collect();
        let own: String = self.tokens.values().map(String::as_str).collect();
        let missing: String = own.chars().filter(|token| wanted.contains(*token) && !text.contains(*token)).collect();
        for token in missing.chars() {
            let edit = Operation::builder().insert(&token.to_string()).build();
            if let Some(Ok(edit)) = self.session.edit(self.handle, &edit, now) {
                self.renumber(&token.to_string(), edit);
            }
        }
        missing
    }

    /// These are an edit of now, under a new number.
    pub(super) fn renumber(&mut self, tokens: &str, edit: u64) {
        self.tokens.values_mut().for_each(|known| known.retain(|token| !tokens.contains(token)));
        self.tokens.retain(|_, known| !known.is_empty());
        self.tokens.insert(edit, tokens.to_owned());
    }

    /// Takes in one event of the session.
    pub(super) fn hear(&mut self, event: SessionEvent<RichText>) -> Result<(), String> {
        let SessionEvent::Document(_, event) = event else { return Ok(()) };
        match event {
            Event::Change { operation, .. } => {
                RichText::apply(&mut self.from_events, &operation)
                    .map_err(|error| format!("an event does not fit: {error}"))?;
            }
            Event::Rejected { from, to, code, operation } => {
                self.rejected.push((from, to, code));
                self.refused.extend(inserted_by(&operation));
            }
            Event::Proposal { id, kind } => {
                self.moved = true;
                if kind == ProposalKind::LostAccepted {
                    // They were accepted, and it is told that they are lost: whoever decides, it is
                    // an edit of another number that brings them back.
                    let status = self.session.engine(self.handle).map(cowrite_client::Engine::status);
                    let known = status.map_or(0, |status| status.durable.unwrap_or(0));
                    self.lost_after = Some(self.lost_after.map_or(known, |lost| lost.min(known)));
                }
                self.proposals.push((id, kind));
            }
            Event::Merged { .. } => self.moved = true,
            Event::ProposalSettled { id, .. } => self.proposals.retain(|(known, _)| *known != id),
            Event::Diverged => self.diverged += 1,
            Event::Closed { code, remedy: cowrite_protocol::frame::Remedy::Stop } => self.closed = Some(code),
            _ => {}
        }
        Ok(())
    }

    /// Whether this edit was told as refused.
    pub(super) fn was_refused(&self, edit: u64) -> bool {
        self.rejected.iter().any(|(from, to, _)| (*from..=*to).contains(&edit))
    }

    /// Whether it was told that this token was refused.
    pub(super) fn has_refused(&self, token: char) -> bool {
        self.refused.contains(&token)
    }

    /// The page has loaded what its device held. Who was told of a refusal, and killed before that was stored, finds
    /// the edit pending again.
    pub(super) fn look_through(&mut self) {
        let Some(engine) = self.session.engine(self.handle) else { return };
        for token in engine.pending().flat_map(inserted_by) {
            self.refused.remove(&token);
        }
    }

    pub(super) fn poll(&mut self) -> Option<Output<RichText>> {
        self.session.poll_output()
    }
}
