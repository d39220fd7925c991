//! The packed form of an operation: what is sent, stored and hashed. It is frozen.
//!
//! An operation is its components one after another, without a count: it fills the bytes
//! it is given, and no bytes are the identity. Every number is a *varint*: LEB128 without
//! superfluous bytes (seven bits a byte, the lowest first, the high bit set on all but the
//! last, which is not 0 unless it is the only one). Strings are UTF-8, JSON is canonical
//! ([`Json`](super::Json)). A component starts with a number whose two lowest bits are its kind:
//!
//! | number | then | component |
//! |---|---|---|
//! | `length << 2` | | retain `length` units |
//! | `bytes << 2 \| 1` | the text's `bytes` bytes | insert text |
//! | `length << 2 \| 2` | | delete `length` units |
//! | `length << 4 \| 3` | attributes | retain `length` units and change their attributes |
//! | `bytes << 4 \| 7` | the text's `bytes` bytes, attributes | insert text with attributes |
//! | `bytes << 4 \| 11` | the JSON object's `bytes` bytes | insert an embed |
//! | `bytes << 4 \| 15` | the JSON object's `bytes` bytes, attributes | insert an embed with attributes |
//!
//! No length is 0. *Attributes* start with a number `n`. Below 16 they are the set that was
//! written out last in this operation (`n` = 0), the one written out before it (1), and so
//! on; the smallest `n` that fits is used, and only if none does, the set is written out:
//! `n − 15` attributes (at least one), their keys in strictly ascending order of their bytes.
//! Each is the key's number of bytes, the key, and its value: the number 0 for `null`, 1 for
//! `true`, 2 for `false`, else the JSON's number of bytes plus 2, and the JSON.
//!
//! What a writer gives out is the normal form, and therefore one encoding an operation. A
//! reader also takes components that are not in normal form, and normalises.
//!
//! | operation | bytes |
//! |---|---|
//! | a character typed at offset 100,000 | `80 b5 18` retain, `05 61` insert "a" |
//! | retain 2, insert "é" in bold, delete 1 | `08` retain, `27 c3 a9` insert, `10 04 62 6f 6c 64 01` bold: true, `06` delete |

use alloc::vec::Vec;
use core::str;

use super::attributes::{Attribute, Attributes};
use super::builder::OperationBuilder;
use super::component::{Component, Operation};
use super::json::Json;
use crate::error::DecodeOperationError;
use crate::limits::OperationLimits;
use crate::text::Utf16Length;

const RETAIN: u64 = 0;
const INSERT: u64 = 1;
const DELETE: u64 = 2;
const RETAIN_WITH: u64 = 3;
const INSERT_WITH: u64 = 7;
const EMBED: u64 = 11;
const EMBED_WITH: u64 = 15;

/// How many sets of attributes can be referred to.
const REMEMBERED: usize = 16;

const NULL: u64 = 0;
const TRUE: u64 = 1;
const FALSE: u64 = 2;

impl Operation {
    /// Appends the packed form. Linear in the components and their content.
    pub fn encode(&self, into: &mut Vec<u8>) {
        let mut written = Written::default();
        for component in self.components() {
            let attributes = component.attributes();
            let plain = attributes.is_empty();
            match component {
                Component::Retain { length, .. } if plain => put_varint(into, u64::from(length.0) << 2 | RETAIN),
                Component::Retain { length, .. } => put_varint(into, u64::from(length.0) << 4 | RETAIN_WITH),
                Component::Delete { length } => put_varint(into, u64::from(length.0) << 2 | DELETE),
                Component::Insert { text, .. } => {
                    let bytes = text.as_str().len() as u64;
                    put_varint(into, if plain { bytes << 2 | INSERT } else { bytes << 4 | INSERT_WITH });
                    into.extend_from_slice(text.as_str().as_bytes());
                }
                Component::Embed { value, .. } => {
                    let bytes = value.as_str().len() as u64;
                    put_varint(into, bytes << 4 | if plain { EMBED } else { EMBED_WITH });
                    into.extend_from_slice(value.as_str().as_bytes());
                }
            }
            if !plain {
                put_attributes(into, attributes, &mut written);
            }
        }
    }

    /// How many bytes the packed form has. Linear in the components; allocates only where
    /// there are attributes.
    pub fn packed_bytes(&self) -> usize {
        if self.components().iter().any(|component| !component.attributes().is_empty()) {
            let mut packed = Vec::new();
            self.encode(&mut packed);
            return packed.len();
        }
        let sizes = self.components().iter().map(|component| match component {
            Component::Retain { length, .. } | Component::Delete { length } => varint_bytes(u64::from(length.0) << 2),
            Component::Insert { text, .. } => varint_bytes((text.as_str().len() as u64) << 2) + text.as_str().len(),
            Component::Embed { value, .. } => varint_bytes((value.as_str().len() as u64) << 4) + value.as_str().len(),
        });
        sizes.sum()
    }

    /// Whether the operation is within the limits. Linear in the components.
    pub fn is_within(&self, limits: &OperationLimits) -> bool {
        let set = self.components().iter().map(|component| component.attributes().as_slice().len()).max();
        self.components().len() <= limits.components as usize
            && set.unwrap_or(0) <= limits.attributes as usize
            && self.packed_bytes() <= limits.bytes as usize
    }

    /// Reads a packed operation that fills `bytes`, and gives its normal form.
    ///
    /// # Errors
    /// If the bytes are no operation or exceed the limits. What is allocated is a small
    /// multiple of the bytes.
    pub fn decode(bytes: &[u8], limits: &OperationLimits) -> Result<Operation, DecodeOperationError> {
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        if size > limits.bytes {
            return Err(DecodeOperationError::TooManyBytes { bytes: size, limit: limits.bytes });
        }
        let mut reader = Reader { bytes, at: 0, written: Written::default(), most: limits.attributes, refused: None };
        let mut out = OperationBuilder::default();
        let mut count = 0;
        while reader.at < bytes.len() {
            if count == limits.components {
                return Err(DecodeOperationError::TooManyComponents { limit: limits.components });
            }
            count += 1;
            let read = reader.component(&mut out);
            let malformed = DecodeOperationError::Malformed { at: reader.at as u32 };
            read.ok_or(reader.refused.unwrap_or(malformed))?;
        }
        if out.is_too_long() { Err(DecodeOperationError::TooLong) } else { Ok(out.build()) }
    }
}

/// The sets of attributes that were written out last, the newest last.
#[derive(Default)]
struct Written {
    sets: Vec<Attributes>,
}

impl Written {
    fn push(&mut self, set: &Attributes) {
        if self.sets.len() == REMEMBERED {
            self.sets.remove(0);
        }
        self.sets.push(set.clone());
    }

    fn find(&self, set: &Attributes) -> Option<usize> {
        self.sets.iter().rev().position(|written| written == set)
    }

    fn get(&self, back: usize) -> Option<Attributes> {
        self.sets.iter().rev().nth(back).cloned()
    }
}

/// How many bytes the operation takes at most when one component more is appended to it.
pub(super) fn encoded_bytes_at_most(component: &Component) -> usize {
    let content = match component {
        Component::Retain { .. } | Component::Delete { .. } => 0,
        Component::Insert { text, .. } => text.as_str().len(),
        Component::Embed { value, .. } => value.as_str().len(),
    };
    let entry = |entry: &Attribute| entry.key.len() + entry.value.as_str().len() + 10;
    HEAD_BYTES + content + component.attributes().as_slice().iter().map(entry).sum::<usize>()
}

/// More than the longest number of a component and that of its attributes take.
pub(super) const HEAD_BYTES: usize = 12;

fn put_varint(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

fn varint_bytes(number: u64) -> usize {
    (u64::BITS - (number | 1).leading_zeros()).div_ceil(7) as usize
}

fn put_attributes(into: &mut Vec<u8>, attributes: &Attributes, written: &mut Written) {
    if let Some(back) = written.find(attributes) {
        into.push(back as u8);
        return;
    }
    written.push(attributes);
    let list = attributes.as_slice();
    put_varint(into, (list.len() + REMEMBERED - 1) as u64);
    for Attribute { key, value } in list {
        put_varint(into, key.len() as u64);
        into.extend_from_slice(key.as_bytes());
        match value.as_str() {
            "null" => put_varint(into, NULL),
            "true" => put_varint(into, TRUE),
            "false" => put_varint(into, FALSE),
            json => {
                put_varint(into, json.len() as u64 + FALSE);
                into.extend_from_slice(json.as_bytes());
            }
        }
    }
}

/// A place in packed bytes. Its methods give `None` where these are malformed, or refused
/// for another reason, which is then noted.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    written: Written,
    /// The most attributes of a set.
    most: u32,
    refused: Option<DecodeOperationError>,
}

impl<'a> Reader<'a> {
    fn component(&mut self, out: &mut OperationBuilder) -> Option<()> {
        let head = self.varint()?;
        let extended = head & 3 == 3;
        let kind = if extended { head & 15 } else { head & 3 };
        let size = u32::try_from(head >> if extended { 4 } else { 2 }).ok().filter(|size| *size > 0)?;
        let length = Utf16Length(size);
        match kind {
            RETAIN => out.retain(length),
            DELETE => out.delete(length),
            INSERT => out.insert(self.string(size)?),
            RETAIN_WITH => out.retain_with(length, &self.attributes()?),
            INSERT_WITH => {
                let text = self.string(size)?;
                out.insert_with(text, &self.attributes()?)
            }
            _ => {
                let value = self.json(size)?;
                if !value.is_object() {
                    return None;
                }
                let attributes = if kind == EMBED { Attributes::NONE } else { self.attributes()? };
                out.embed(value, &attributes)
            }
        };
        Some(())
    }

    fn attributes(&mut self) -> Option<Attributes> {
        let number = self.varint()?;
        let Some(count) = number.checked_sub(REMEMBERED as u64 - 1).filter(|count| *count > 0) else {
            return self.written.get(number as usize);
        };
        if count > u64::from(self.most) {
            let attributes = u32::try_from(count).unwrap_or(u32::MAX);
            self.refused = Some(DecodeOperationError::TooManyAttributes { attributes, limit: self.most });
            return None;
        }
        let mut list: Vec<Attribute> = Vec::new();
        for _ in 0..count {
            let key_bytes = u32::try_from(self.varint()?).ok()?;
            let key = self.string(key_bytes)?;
            if list.last().is_some_and(|last| *last.key >= *key) {
                return None;
            }
            let value = match self.varint()? {
                NULL => Json::null(),
                TRUE => Json::yes(),
                FALSE => Json::no(),
                more => {
                    let value = self.json(u32::try_from(more - FALSE).ok()?)?;
                    if matches!(value.as_str(), "null" | "true" | "false") {
                        return None;
                    }
                    value
                }
            };
            list.push(Attribute { key: key.into(), value });
        }
        let set = Attributes::from_sorted(list);
        self.written.push(&set);
        Some(set)
    }

    fn json(&mut self, bytes: u32) -> Option<Json> {
        let text = self.string(bytes)?;
        Json::parse(text).ok().filter(|value| value.as_str() == text)
    }

    fn string(&mut self, bytes: u32) -> Option<&'a str> {
        let end = self.at.checked_add(bytes as usize)?;
        let string = str::from_utf8(self.bytes.get(self.at..end)?).ok()?;
        self.at = end;
        Some(string)
    }

    /// A number below 2^42, which is more than any component says.
    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..42).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return (byte != 0 || shift == 0).then_some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(components: &[Component], bytes: &[u8]) {
        let operation = Operation::from_components(components.iter().cloned());
        let mut encoded = Vec::new();
        operation.encode(&mut encoded);
        assert_eq!(encoded, bytes, "{operation:?}");
        assert_eq!(operation.packed_bytes(), bytes.len(), "{operation:?}");
        assert_eq!(Operation::decode(bytes, &OperationLimits::NONE), Ok(operation));
    }

    #[test]
    fn the_size_is_known_without_the_bytes_wherever_a_number_grows_by_one() {
        for length in (0..29).flat_map(|bit| [(1 << bit) - 1, 1 << bit]).chain([u32::MAX]).filter(|length| *length > 0)
        {
            let operation = Operation::from_components([Component::retain(length), Component::delete(length)]);
            let mut encoded = Vec::new();
            operation.encode(&mut encoded);
            assert_eq!(operation.packed_bytes(), encoded.len(), "{length}");
        }
    }

    fn bold() -> Attributes {
        Attributes::from_pairs([("bold", Json::yes())])
    }

    /// The examples of the module's doc comment and one of every kind: frozen.
    #[test]
    fn the_bytes_are_frozen() {
        let bold_text = |text: &str| Component::Insert { text: text.into(), attributes: bold() };
        check(&[], b"");
        check(&[Component::retain(100_000), Component::insert("a")], b"\x80\xb5\x18\x05a");
        check(&[Component::retain(2), bold_text("é"), Component::delete(1)], b"\x08\x27\xc3\xa9\x10\x04bold\x01\x06");
        let picture = Json::parse(r#"{"i":1}"#).unwrap();
        let change = Attributes::from_pairs([("a", Json::null()), ("b", Json::no()), ("c", Json::string("x"))]);
        check(
            &[
                Component::embed(picture.clone()),
                Component::Embed { value: picture, attributes: bold() },
                Component::Retain { length: Utf16Length(3), attributes: change.clone() },
                bold_text("z"),
                Component::Retain { length: Utf16Length(1), attributes: change },
            ],
            b"\x7b{\"i\":1}\x7f{\"i\":1}\x10\x04bold\x01\x33\x12\x01a\x00\x01b\x02\x01c\x05\"x\"\x17z\x01\x13\x00",
        );
    }

    #[test]
    fn what_no_operation_says_is_refused() {
        let refused: [&[u8]; 16] = [
            b"\x00",                         // retain nothing
            b"\x01",                         // insert nothing
            b"\x84\x00",                     // a superfluous byte
            b"\x80",                         // ends inside a number
            b"\x09a",                        // ends inside a text
            b"\x05\xff",                     // no UTF-8
            b"\xfc\xff\xff\xff\xff\x01",     // above u32
            b"\x80\x80\x80\x80\x80\x80\x01", // a number without end
            b"\x13",                         // no attributes
            b"\x13\x00",                     // the last set, and there is none
            b"\x13\x10\x01a\x06true",        // `true` is a number
            b"\x13\x10\x01a\x05 1 ",         // not canonical
            b"\x13\x11\x01b\x01\x01a\x01",   // keys not in order
            b"\x13\x11\x01a\x01\x01a\x01",   // a key twice
            b"\x1b1",                        // an embed that is no object
            b"\x13\xff\xff\x7f\x01a\x01",    // far more attributes than bytes
        ];
        for bytes in refused {
            let error = Operation::decode(bytes, &OperationLimits::NONE);
            assert!(matches!(error, Err(DecodeOperationError::Malformed { .. })), "{bytes:02x?}: {error:?}");
        }
    }

    #[test]
    fn limits_hold_before_anything_is_built() {
        let limits = OperationLimits { components: 2, bytes: 8, attributes: 1 };
        let count = Operation::decode(b"\x05a\x04\x05b", &limits);
        assert_eq!(count, Err(DecodeOperationError::TooManyComponents { limit: 2 }));
        let bytes = Operation::decode(&[4; 9], &limits);
        assert_eq!(bytes, Err(DecodeOperationError::TooManyBytes { bytes: 9, limit: 8 }));
        let attributes = Operation::decode(b"\x13\x11\x01a\x01\x01b", &limits);
        assert_eq!(attributes, Err(DecodeOperationError::TooManyAttributes { attributes: 2, limit: 1 }));
        let mut longest = Vec::new();
        put_varint(&mut longest, u64::from(u32::MAX) << 2 | DELETE);
        assert!(Operation::decode(&longest, &OperationLimits::NONE).is_ok());
        longest.push(0x06);
        assert_eq!(Operation::decode(&longest, &OperationLimits::NONE), Err(DecodeOperationError::TooLong));
    }

    #[test]
    fn the_last_sixteen_sets_are_referred_to_and_no_older_one() {
        let set = |value: usize| Attributes::from_pairs([("a", Json::string(&"x".repeat(value)))]);
        let retain = |value: usize| Component::Retain { length: Utf16Length(1), attributes: set(value) };
        let size = |again: usize| {
            let operation = Operation::from_components((0..17).chain([again]).map(retain));
            let mut bytes = Vec::new();
            operation.encode(&mut bytes);
            assert_eq!(Operation::decode(&bytes, &OperationLimits::NONE), Ok(operation));
            bytes.len()
        };
        let written: usize = (0..17).map(|value| 7 + value).sum();
        assert_eq!(size(1), written + 2);
        assert_eq!(size(15), written + 2);
        assert_eq!(size(0), written + 7);
    }

    #[test]
    fn d2_a_reader_normalises() {
        let read = Operation::decode(b"\x06\x05a\x06\x04\x08", &OperationLimits::NONE).unwrap();
        assert_eq!(read.components(), [Component::insert("a"), Component::delete(2)]);
    }

    #[test]
    fn what_just_reaches_a_limit_is_within_it() {
        let attributes = Attributes::parse(r#"{"a":1,"b":2}"#).unwrap();
        let mut builder = Operation::builder();
        let operation = builder.retain_with(Utf16Length(1), &attributes).insert("x").build();
        let mut bytes = Vec::new();
        operation.encode(&mut bytes);
        let reached = OperationLimits { components: 2, bytes: bytes.len() as u32, attributes: 2 };
        assert_eq!(Operation::decode(&bytes, &reached).as_ref(), Ok(&operation));
        let (components, attributes, size) = (reached.components - 1, reached.attributes - 1, reached.bytes - 1);
        let refused = |limits: OperationLimits| Operation::decode(&bytes, &limits).unwrap_err();
        assert_eq!(
            refused(OperationLimits { components, ..reached }),
            DecodeOperationError::TooManyComponents { limit: 1 }
        );
        assert_eq!(
            refused(OperationLimits { attributes, ..reached }),
            DecodeOperationError::TooManyAttributes { attributes: 2, limit: 1 }
        );
        assert_eq!(
            refused(OperationLimits { bytes: size, ..reached }),
            DecodeOperationError::TooManyBytes { bytes: reached.bytes, limit: size }
        );
    }
}
