//! The attributes of a stretch of text, and what a retain changes in them.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Ordering;

use super::json::{Json, JsonError};
use super::json_scanner::{Scanner, write_string};
use super::order::last_of_each;

/// A set of keys with a value each, in the order of the keys' UTF-8 bytes.
///
/// The empty set allocates nothing, and cloning is free. In a document and in an
/// insertion no value is `null`; in a retain a `null` removes the key.
#[derive(Clone, Debug, Default)]
pub struct Attributes(Option<Arc<[Attribute]>>);

/// One attribute: a key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// The key: any string.
    pub key: Arc<str>,
    /// The value.
    pub value: Json,
}

/// Whether `null` values stay in a set or go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nulls {
    /// They stay: the set is a retain's, where they remove.
    Keep,
    /// They go: the set belongs to content.
    Drop,
}

static EMPTY: Attributes = Attributes::NONE;

impl Attributes {
    /// No attributes.
    pub const NONE: Attributes = Attributes(None);

    /// No attributes, by reference.
    pub(super) fn none() -> &'static Attributes {
        &EMPTY
    }

    /// The set of these pairs; of equal keys the last one counts.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, Json)>) -> Attributes {
        let pairs = pairs.into_iter().map(|(key, value)| Attribute { key: key.into(), value });
        Attributes::from_unsorted(pairs.collect())
    }

    /// Reads a JSON object. Sorting aside linear in the text.
    ///
    /// # Errors
    /// If the text is not one JSON object, or holds a value that [`Json::parse`] refuses.
    pub fn parse(text: &str) -> Result<Attributes, JsonError> {
        let mut scanner = Scanner::new(text);
        let attributes = Attributes::read(&mut scanner)?;
        scanner.end()?;
        Ok(attributes)
    }

    /// Reads the JSON object that comes next.
    pub(super) fn read(scanner: &mut Scanner<'_>) -> Result<Attributes, JsonError> {
        scanner.expect(b'{')?;
        let mut list = Vec::new();
        if !scanner.accept(b'}') {
            loop {
                let key = scanner.string()?.into();
                scanner.expect(b':')?;
                list.push(Attribute { key, value: Json::read(scanner)? });
                if !scanner.accept(b',') {
                    break;
                }
            }
            scanner.expect(b'}')?;
        }
        Ok(Attributes::from_unsorted(list))
    }

    /// Appends the set as a JSON object.
    pub fn write_json(&self, out: &mut String) {
        out.push('{');
        for (index, attribute) in self.as_slice().iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            write_string(out, &attribute.key);
            out.push(':');
            out.push_str(attribute.value.as_str());
        }
        out.push('}');
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The attributes, in the order of their keys.
    pub fn as_slice(&self) -> &[Attribute] {
        self.0.as_deref().unwrap_or_default()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Json> {
        let list = self.as_slice();
        list.binary_search_by(|attribute| (*attribute.key).cmp(key)).ok().map(|at| &list[at].value)
    }

    /// This set with `later` written over it.
    ///
    /// Law: with [`Nulls::Keep`] it is associative, and writing the result over some content
    /// is writing `self` and then `later` over it.
    #[must_use]
    pub fn compose(&self, later: &Attributes, nulls: Nulls) -> Attributes {
        if later.is_empty() {
            return if nulls == Nulls::Drop { self.without_nulls() } else { self.clone() };
        }
        if self.is_empty() {
            return if nulls == Nulls::Drop { later.without_nulls() } else { later.clone() };
        }
        merge(self, later, &|mine, theirs| {
            let value = theirs.or(mine)?;
            (nulls == Nulls::Keep || !value.is_null()).then(|| value.clone())
        })
    }

    /// What is left of this set after a concurrent one that wins every key it names.
    #[must_use]
    pub fn without_keys_of(&self, winner: &Attributes) -> Attributes {
        if self.is_empty() || winner.is_empty() {
            return self.clone();
        }
        merge(self, winner, &|mine, theirs| if theirs.is_none() { mine.cloned() } else { None })
    }

    /// The set that undoes this one, written over content that had `base`.
    #[must_use]
    pub fn invert(&self, base: &Attributes) -> Attributes {
        merge(self, base, &|mine, base| match (mine, base) {
            (Some(mine), Some(base)) if mine != base => Some(base.clone()),
            (Some(mine), None) if !mine.is_null() => Some(Json::null()),
            _ => None,
        })
    }

    /// The set that, written over content that has this one, makes it `to`.
    #[must_use]
    pub fn diff(&self, to: &Attributes) -> Attributes {
        if self == to {
            return Attributes::NONE;
        }
        merge(self, to, &|from, to| match (from, to) {
            (Some(from), Some(to)) if from == to => None,
            (_, Some(to)) => Some(to.clone()),
            (_, None) => Some(Json::null()),
        })
    }

    /// The set without what is `null`.
    #[must_use]
    pub fn without_nulls(&self) -> Attributes {
        if self.as_slice().iter().any(|attribute| attribute.value.is_null()) {
            Attributes::from_sorted(self.as_slice().iter().filter(|entry| !entry.value.is_null()).cloned().collect())
        } else {
            self.clone()
        }
    }

    /// The set in parts of at most so many attributes; one empty part if it is empty.
    pub(super) fn parts(&self, most: usize) -> Vec<Attributes> {
        if self.as_slice().len() <= most {
            return vec![self.clone()];
        }
        self.as_slice().chunks(most.max(1)).map(|part| Attributes::from_sorted(part.to_vec())).collect()
    }

    /// Takes a list in strictly ascending order of keys.
    pub(super) fn from_sorted(list: Vec<Attribute>) -> Attributes {
        if list.is_empty() { Attributes::NONE } else { Attributes(Some(list.into())) }
    }

    fn from_unsorted(mut list: Vec<Attribute>) -> Attributes {
        if !list.is_sorted_by(|a, b| a.key < b.key) {
            let order = last_of_each(list.len(), &|a, b| list[a].key.cmp(&list[b].key));
            list = order.into_iter().map(|at| list[at].clone()).collect();
        }
        Attributes::from_sorted(list)
    }
}

impl PartialEq for Attributes {
    fn eq(&self, other: &Attributes) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a == b,
            _ => false,
        }
    }
}

impl Eq for Attributes {}

/// Walks two sets key by key and keeps the values that `choose` gives. Linear in both.
/// It is compiled once for all its uses, since the browser loads it.
fn merge(a: &Attributes, b: &Attributes, choose: &dyn Fn(Option<&Json>, Option<&Json>) -> Option<Json>) -> Attributes {
    let (mut a, mut b) = (a.as_slice(), b.as_slice());
    let mut merged = Vec::new();
    loop {
        let order = match (a.first(), b.first()) {
            (Some(x), Some(y)) => x.key.cmp(&y.key),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return Attributes::from_sorted(merged),
        };
        let (mut mine, mut theirs) = (None, None);
        if order != Ordering::Greater {
            (mine, a) = a.split_first().map_or((None, a), |(first, rest)| (Some(first), rest));
        }
        if order != Ordering::Less {
            (theirs, b) = b.split_first().map_or((None, b), |(first, rest)| (Some(first), rest));
        }
        let value = choose(mine.map(|entry| &entry.value), theirs.map(|entry| &entry.value));
        if let (Some(entry), Some(value)) = (mine.or(theirs), value) {
            merged.push(Attribute { key: Arc::clone(&entry.key), value });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Attributes {
        Attributes::parse(text).unwrap()
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        let attributes = set(r#"{"b":1,"a":2,"b":3,"c":4,"a":5}"#);
        assert_eq!(attributes, set(r#"{"a":5,"b":3,"c":4}"#));
        assert_eq!(attributes.get("b").unwrap().as_str(), "3");
        assert_eq!(attributes.get("d"), None);
        assert!(set("{}").is_empty());
    }

    #[test]
    fn null_removes_from_content_and_stays_in_a_change() {
        let (base, change) = (set(r#"{"a":1,"b":2}"#), set(r#"{"a":null,"c":3}"#));
        assert_eq!(base.compose(&change, Nulls::Drop), set(r#"{"b":2,"c":3}"#));
        assert_eq!(base.compose(&change, Nulls::Keep), set(r#"{"a":null,"b":2,"c":3}"#));
        assert_eq!(change.invert(&base), set(r#"{"a":1,"c":null}"#));
        assert_eq!(base.diff(&set(r#"{"b":2,"c":3}"#)), change);
        assert_eq!(change.without_keys_of(&base), set(r#"{"c":3}"#));
    }

    #[test]
    fn what_changes_nothing_needs_nothing_to_undo_it() {
        let change = set(r#"{"a":1,"b":null,"c":2}"#);
        assert_eq!(change.invert(&set(r#"{"a":1,"c":3}"#)), set(r#"{"c":3}"#));
    }
}
