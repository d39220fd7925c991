//! Two people edit at random; one undoes all. What is left is what the other did.
//!
//! Every character is there once, and every value says who wrote it, so what belongs to
//! whom can be read off the text. Of what is left must be true:
//!
//! * no character and no attribute of the one who undid;
//! * every other character, unless the other deleted it while it was there to be seen (text
//!   that both deleted at once comes back); each in the order in which it always stood;
//! * on each the attributes that the other wrote last. Text that was deleted in between
//!   comes back as it was then, without what was written to it meanwhile; and an undo in
//!   flight is an edit, over which an earlier entry of the log does not win.
//!
//! And redoing all that was undone gives the document back as it was.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cowrite_client::{Event, Origin};
use cowrite_protocol::operation::{Attributes, Component, Document, Json, Operation};
use cowrite_protocol::{Channel, DocumentType, RichText, Utf16Length};

use crate::bench::{Bench, Sent};

const CASES: u64 = 10_000;
/// Each of a user's two alphabets, one of whole units and one of pairs, has so many characters.
const ALPHABET: u32 = 0x800;

/// A character with the values of its attributes, as the text has it.
type Units = Vec<(char, BTreeMap<String, String>)>;

struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }
}

/// Somebody who makes characters and values of their own.
struct Author {
    name: char,
    next: u32,
}

impl Author {
    fn char(&mut self) -> char {
        self.next += 1;
        let offset = self.next + if self.name == 'A' { 0 } else { ALPHABET };
        char::from_u32(if self.next.is_multiple_of(3) { 0xf_0000 } else { 0xe000 } + offset).unwrap()
    }

    fn is_author_of(&self, char: char) -> bool {
        let offset = char as u32 & 0xfff;
        (char as u32 >= 0xe000)
            && (char as u32) < 0xf_1000
            && (char as u32 & 0xf_f000 == 0xe000 || char as u32 >= 0xf_0000)
            && (offset < ALPHABET) == (self.name == 'A')
    }

    fn attributes(&mut self, chance: &mut Chance) -> Attributes {
        let key = ["k", "l"][chance.below(2)];
        self.next += 1;
        let value = match chance.below(4) {
            0 => Json::null(),
            _ => Json::string(&format!("{}{}", self.name, self.next)),
        };
        Attributes::from_pairs([(key, value)])
    }

    /// A random edit of a text, and the characters that it formats.
    fn edit(&mut self, chance: &mut Chance, text: &Document) -> (Operation, Vec<char>, Attributes) {
        let units = units(text);
        let (mut builder, mut formatted, mut attributes) = (Operation::builder(), Vec::new(), Attributes::NONE);
        let mut at = 0;
        for _ in 0..=chance.below(5) / 4 {
            let skip = chance.below(units.len() - at + 1);
            builder.retain(length(&units[at..at + skip]));
            at += skip;
            let span = chance.below(4).min(units.len() - at);
            match chance.below(8) {
                0..=2 => {
                    for _ in 0..=chance.below(2) {
                        let own = if chance.below(3) == 0 {
                            self.attributes(chance).without_nulls()
                        } else {
                            Attributes::NONE
                        };
                        builder.insert_with(&self.char().to_string(), &own);
                    }
                }
                3..=4 => {
                    builder.delete(length(&units[at..at + span]));
                    at += span;
                }
                5 => {
                    builder.insert(&self.char().to_string()).delete(length(&units[at..at + span]));
                    at += span;
                }
                _ if attributes.is_empty() => {
                    let written = self.attributes(chance);
                    // What is written where it stands already changes nothing that an undo could
                    // give back, though it does win over what the other writes at once.
                    let changes = |(_, values): &(char, BTreeMap<String, String>)| {
                        written.as_slice().iter().all(|new| !new.value.is_null() || values.contains_key(&*new.key))
                    };
                    if self.name == 'A' && !units[at..at + span].iter().all(changes) {
                        continue;
                    }
                    attributes = written;
                    formatted = units[at..at + span].iter().map(|(char, _)| *char).collect();
                    builder.retain_with(length(&units[at..at + span]), &attributes);
                    at += span;
                }
                _ => {}
            }
        }
        (builder.build(), formatted, attributes)
    }
}

/// One run: the user on the bench, Bob, and what is under way between them and the log.
struct Run {
    bench: Bench,
    chance: Chance,
    ann: Author,
    bob: Author,
    /// Bob's text, and how many entries it has.
    bob_text: Document,
    bob_at: usize,
    entries: Vec<Operation>,
    /// What the log tells the bench, in order, with what Bob wrote.
    coming: VecDeque<(Vec<u8>, Vec<char>, Attributes)>,
    /// What each character bears by others' doing alone.
    others: BTreeMap<char, BTreeMap<String, String>>,
    gone: BTreeSet<char>,
    deleted_by_ann: BTreeSet<char>,
    overwritten_by_undo: BTreeSet<(char, String)>,
    last_undo: u64,
    seen: Document,
}

impl Run {
    fn new(seed: u64) -> Run {
        let text = "abcd🏆efgh";
        let mut bench = Bench::open(text);
        bench.events.clear();
        let seen = bench.engine().document().clone();
        Run {
            bob_text: seen.clone(),
            others: text.chars().map(|char| (char, BTreeMap::new())).collect(),
            seen,
            bench,
            chance: Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            ann: Author { name: 'A', next: 0 },
            bob: Author { name: 'B', next: 0 },
            bob_at: 0,
            entries: Vec::new(),
            coming: VecDeque::new(),
            gone: BTreeSet::new(),
            deleted_by_ann: BTreeSet::new(),
            overwritten_by_undo: BTreeSet::new(),
            last_undo: 0,
        }
    }

    fn step(&mut self) {
        match self.chance.below(12) {
            0..=3 => {
                let (operation, ..) = self.ann.edit(&mut self.chance, self.bench.engine().document());
                self.bench.session.edit(self.bench.handle, &operation, self.bench.now).unwrap().unwrap();
                self.bench.drain();
            }
            4 => drop(self.undo()),
            5 => drop(self.redo()),
            6..=7 => self.bob_edits(),
            8 => self.bob_catches_up(),
            9 => self.submit(),
            10 => self.deliver(),
            _ => {
                let wait = self.chance.below(800) as u64;
                self.bench.now = self.bench.now + wait;
            }
        }
        self.hear();
    }

    fn undo(&mut self) -> bool {
        let undone = self.bench.session.undo(self.bench.handle, self.bench.now).unwrap().unwrap();
        self.last_undo = undone.as_ref().map_or(self.last_undo, |undone| undone.edit);
        self.bench.drain();
        self.hear();
        undone.is_some()
    }

    fn redo(&mut self) -> bool {
        let redone = self.bench.session.redo(self.bench.handle, self.bench.now).unwrap().unwrap();
        self.last_undo = redone.as_ref().map_or(self.last_undo, |redone| redone.edit);
        self.bench.drain();
        self.hear();
        redone.is_some()
    }

    fn bob_catches_up(&mut self) {
        for entry in &self.entries[self.bob_at..] {
            self.bob_text.apply(entry).unwrap();
        }
        self.bob_at = self.entries.len();
    }

    fn bob_edits(&mut self) {
        let (mut operation, formatted, attributes) = self.bob.edit(&mut self.chance, &self.bob_text);
        for component in operation.components() {
            if let Component::Insert { text, attributes } = component {
                let values = values(attributes);
                self.others.extend(text.as_str().chars().map(|char| (char, values.clone())));
            }
        }
        for char in &formatted {
            if let Some(values) = self.others.get_mut(char) {
                write(values, &attributes);
            }
        }
        for entry in &self.entries[self.bob_at..] {
            operation = RichText::transform(entry, &operation).1;
        }
        let frame = self.bench.log.commit(Channel(self.bench.channel), &operation);
        self.entries.push(operation);
        self.coming.push_back((frame, formatted, attributes));
        self.bob_catches_up();
    }

    /// What was sent reaches the log.
    fn submit(&mut self) {
        for sent in self.bench.take_sent() {
            let Sent::Submit(submit) = sent else { continue };
            let operation = self.bench.log.accept(&submit);
            self.entries.push(operation);
            let ack = self.bench.log.last_ack(Channel(self.bench.channel));
            self.coming.push_back((ack, Vec::new(), Attributes::NONE));
        }
    }

    /// The log's next word arrives.
    fn deliver(&mut self) {
        let Some((frame, formatted, attributes)) = self.coming.pop_front() else { return };
        let undo_is_pending = self.last_undo > self.bench.status().accepted;
        self.bench.bytes(&frame);
        self.hear();
        let wrote = values(&attributes);
        for (char, now) in units(self.bench.engine().document()) {
            for attribute in attributes.as_slice().iter().filter(|_| formatted.contains(&char)) {
                let key = &attribute.key.to_string();
                if undo_is_pending && now.get(key) != wrote.get(key) {
                    self.overwritten_by_undo.insert((char, key.clone()));
                }
            }
        }
    }

    /// Reads off the events who deleted what.
    fn hear(&mut self) {
        for event in core::mem::take(&mut self.bench.events) {
            let Event::Change { operation, origin, .. } = event else { continue };
            let before: BTreeSet<char> = self.seen.text().chars().collect();
            self.seen.apply(&operation).unwrap();
            let after: BTreeSet<char> = self.seen.text().chars().collect();
            let deleted = before.difference(&after);
            if origin == Origin::Remote { &mut self.gone } else { &mut self.deleted_by_ann }.extend(deleted);
        }
    }

    fn settle(&mut self) {
        while self.bench.status().pending > 0 || !self.coming.is_empty() {
            self.submit();
            self.deliver();
        }
        assert_eq!(self.bench.engine().document(), &self.bench.log.text);
    }

    fn check(&self, before: &Units) {
        let left = units(self.bench.engine().document());
        for (char, attributes) in &left {
            assert!(!self.ann.is_author_of(*char), "a character of the one who undid is left");
            let values = attributes.values();
            assert!(values.clone().all(|value| !value.starts_with("\"A")), "an attribute is left: {left:?}");
            let expected = &self.others[char];
            for key in ["k", "l"] {
                let excused =
                    self.deleted_by_ann.contains(char) || self.overwritten_by_undo.contains(&(*char, key.to_owned()));
                assert!(
                    excused || attributes.get(key) == expected.get(key),
                    "{char:?} {key}: {left:?}, not {expected:?}"
                );
            }
        }
        let there: BTreeSet<char> = left.iter().map(|(char, _)| *char).collect();
        let expected: BTreeSet<char> = self.others.keys().filter(|char| !self.gone.contains(char)).copied().collect();
        assert_eq!(there, expected);
        // What was there before stands in the same order, and so does the first text.
        let known: Vec<char> = before.iter().map(|(char, _)| *char).filter(|char| there.contains(char)).collect();
        let order = |among: &[char]| {
            let place = |char: &char| left.iter().position(|(here, _)| here == char).unwrap();
            among.iter().map(place).is_sorted()
        };
        assert!(order(&known), "{known:?} stood in another order: {left:?}");
        let first: Vec<char> = "abcd🏆efgh".chars().filter(|char| there.contains(char)).collect();
        assert!(order(&first), "{left:?}");
    }
}

fn units(document: &Document) -> Units {
    let mut units = Vec::new();
    for component in document.to_operation().components() {
        if let Component::Insert { text, attributes } = component {
            let values = values(attributes);
            units.extend(text.as_str().chars().map(|char| (char, values.clone())));
        }
    }
    units
}

fn values(attributes: &Attributes) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    write(&mut values, attributes);
    values
}

fn write(values: &mut BTreeMap<String, String>, attributes: &Attributes) {
    for key in ["k", "l"] {
        match attributes.get(key) {
            Some(value) if value.is_null() => drop(values.remove(key)),
            Some(value) => drop(values.insert(key.to_owned(), value.as_str().to_owned())),
            None => {}
        }
    }
}

fn length(units: &[(char, BTreeMap<String, String>)]) -> Utf16Length {
    Utf16Length(units.iter().map(|(char, _)| char.len_utf16() as u32).sum())
}

#[test]
fn undoing_all_leaves_what_the_others_did_and_redoing_all_brings_it_back() {
    for seed in 1..=CASES {
        let case = std::panic::AssertUnwindSafe(|| {
            let mut run = Run::new(seed);
            for _ in 0..6 + seed % 40 {
                run.step();
            }
            // Without a word from others, redo gives back all that undo took.
            while run.redo() {}
            let before = run.bench.engine().document().clone();
            while run.undo() {}
            while run.redo() {}
            assert_eq!(run.bench.engine().document(), &before);
            let before = units(&before);
            while run.undo() {
                if run.chance.below(3) == 0 {
                    run.submit();
                    run.deliver();
                }
            }
            run.settle();
            assert!(!run.bench.status().can_undo);
            run.check(&before);
        });
        if let Err(cause) = std::panic::catch_unwind(case) {
            eprintln!("the seed is {seed}");
            std::panic::resume_unwind(cause);
        }
    }
}
