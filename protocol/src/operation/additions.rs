//! What one document has more of than another.

use alloc::string::String;
use alloc::vec::Vec;

use super::component::{Component, Operation};
use super::document::Document;
use super::edit_script::words_of;
use super::order::last_of_each;

impl Operation {
    /// What `to` has more of than `from`, as an operation on `from` that only inserts: its [`diff`](Operation::diff)
    /// without the deletions and formats, and without each word that the diff takes away somewhere else. So no word is
    /// there more often afterwards than in the one document that has it most often.
    pub fn additions(from: &Document, to: &Document) -> Operation {
        let difference = Operation::diff(from, to);
        // A diff fits the document that it was made from.
        let inverse = difference.invert(from).unwrap_or_default();
        let mut gone = Words::of(&inverse);
        let mut builder = Operation::builder();
        for component in difference.components() {
            match component {
                Component::Insert { text, attributes } => {
                    builder.insert_with(&gone.missing_from(text.as_str()), attributes);
                }
                Component::Embed { .. } => {
                    builder.push_copy(component);
                }
                Component::Retain { length, .. } | Component::Delete { length } => {
                    builder.retain(*length);
                }
            }
        }
        builder.build()
    }
}

/// Words by their hashes, each as often as it occurs.
struct Words {
    /// In ascending order.
    hashes: Vec<u64>,
    /// How many of the equals that begin here are used up.
    used: Vec<usize>,
}

impl Words {
    /// All that an operation inserts.
    fn of(operation: &Operation) -> Words {
        let mut hashes = Vec::new();
        for component in operation.components() {
            if let Component::Insert { text, .. } = component {
                hashes.extend(words_of(text.as_str()).filter(|(word, _)| !is_space(word)).map(|(_, hash)| hash));
            }
        }
        let order = last_of_each(hashes.len(), &|a, b| hashes[a].cmp(&hashes[b]).then(a.cmp(&b)));
        let hashes: Vec<u64> = order.into_iter().map(|at| hashes[at]).collect();
        Words { used: alloc::vec![0; hashes.len()], hashes }
    }

    /// A text without the words that are here, which are used up, and the spaces behind those.
    fn missing_from(&mut self, text: &str) -> String {
        let mut missing = String::new();
        let mut skipped = false;
        for (word, hash) in words_of(text) {
            skipped = if is_space(word) { skipped } else { self.takes(hash) };
            if !skipped {
                missing.push_str(word);
            }
        }
        missing
    }

    fn takes(&mut self, hash: u64) -> bool {
        let first = self.hashes.partition_point(|known| *known < hash);
        let Some(used) = self.used.get_mut(first) else { return false };
        let is_left = self.hashes.get(first + *used) == Some(&hash);
        *used += usize::from(is_left);
        is_left
    }
}

fn is_space(word: &str) -> bool {
    word.chars().all(|symbol| symbol <= ' ' || symbol == '\u{a0}')
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn document(text: &str) -> Document {
        let mut document = Document::default();
        document.apply(&Operation::builder().insert(text).build()).unwrap();
        document
    }

    fn with_additions(from: &str, to: &str) -> String {
        let (mut document, to) = (document(from), document(to));
        let additions = Operation::additions(&document, &to);
        let inserts = |component: &Component| !matches!(component, Component::Delete { .. });
        assert!(additions.components().iter().all(inserts), "{additions:?}");
        document.apply(&additions).unwrap();
        document.text().to_string()
    }

    #[test]
    fn what_is_more_is_added_and_nothing_taken_away() {
        for (from, to, both) in [
            ("", "", ""),
            ("", "all of it", "all of it"),
            ("theirs", "", "theirs"),
            ("one three", "one two three", "one two three"),
            ("one theirs two", "one two mine", "one theirs two mine"),
            // A word that stands elsewhere is there already, as often as it does.
            ("one two three", "three one two", "one two three"),
            ("a b b", "b a b b", "b a b b"),
            ("日本語と", "日X本", "日X本語と"),
        ] {
            assert_eq!(with_additions(from, to).trim_end(), both, "{from} → {to}");
        }
    }

    #[test]
    fn formats_are_left_as_they_are_and_what_is_added_keeps_its_own() {
        let bold = super::super::Attributes::from_pairs([("bold", super::super::Json::yes())]);
        let mut to = Document::default();
        to.apply(&Operation::builder().insert_with("one ", &bold).insert_with("two", &bold).build()).unwrap();
        let additions = Operation::additions(&document("one "), &to);
        let expected = Operation::builder().retain(crate::text::Utf16Length(4)).insert_with("two", &bold).build();
        assert_eq!(additions, expected);
    }
}
