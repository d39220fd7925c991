//! The checksum of a document. Its bytes are frozen: client and server compare it.

use super::document::Document;
use crate::hash::{Checksum, Checksummer};

impl Document {
    /// A checksum of the content, whatever way led there. Linear.
    ///
    /// What goes in, all numbers little-endian: the length of the text in four bytes; every
    /// UTF-16 code unit of it in two; then for each run, as long as runs can be, unless it is the only one and has
    /// neither attributes nor a value: its length in four bytes, the number of its
    /// attributes in four, for each of these the key and the value, then one byte, 1 if
    /// there is an embed and 0 if not, and the embed's value. Keys and values are the
    /// number of their UTF-8 bytes in four bytes, and these bytes.
    pub fn checksum(&self) -> Checksum {
        let mut sum = Checksummer::default();
        let (before, after) = self.text().parts();
        sum.write(&self.length().0.to_le_bytes());
        let mut buffer = [0; 512];
        for units in before.chunks(buffer.len() / 2).chain(after.chunks(buffer.len() / 2)) {
            let (pairs, _) = buffer.as_chunks_mut();
            pairs.iter_mut().zip(units).for_each(|(bytes, unit)| *bytes = unit.to_le_bytes());
            sum.write(&buffer[..units.len() * 2]);
        }
        for run in self.runs() {
            if run.length == self.length() && run.attributes.is_empty() && run.embed.is_none() {
                break;
            }
            sum.write(&run.length.0.to_le_bytes());
            sum.write(&(run.attributes.as_slice().len() as u32).to_le_bytes());
            for attribute in run.attributes.as_slice() {
                write_string(&mut sum, &attribute.key);
                write_string(&mut sum, attribute.value.as_str());
            }
            sum.write(&[u8::from(run.embed.is_some())]);
            if let Some(value) = &run.embed {
                write_string(&mut sum, value.as_str());
            }
        }
        sum.finish()
    }
}

fn write_string(sum: &mut Checksummer, string: &str) {
    sum.write(&(string.len() as u32).to_le_bytes());
    sum.write(string.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Attributes, Component, Json, Operation};
    use crate::text::{Utf16Length, Utf16Offset};

    fn rich(components: &[Component]) -> Document {
        Document::from_operation(&Operation::from_components(components.iter().cloned())).unwrap()
    }

    #[test]
    fn it_sees_the_content_and_not_the_way_there() {
        let plain = Document::from("hello 🏆 world");
        let mut edited = Document::from("hello world");
        let insertion = [Component::retain(6), Component::insert("🏆 ")];
        edited.apply(&Operation::from_components(insertion)).unwrap();
        assert_eq!(plain, edited);
        assert_eq!(plain.checksum(), edited.checksum());
        assert_ne!(plain.checksum(), Document::from("hello 🏆 World").checksum());

        let bold = Attributes::from_pairs([("bold", Json::yes())]);
        let formatted = Component::Retain { length: Utf16Length(5), attributes: bold };
        edited.apply(&Operation::from_components([formatted])).unwrap();
        assert_ne!(plain.checksum(), edited.checksum());
        assert!(edited.run_at(Utf16Offset(4)).unwrap().attributes.get("bold").is_some());
    }

    #[test]
    fn an_embed_is_not_the_character_that_stands_for_it() {
        let typed = rich(&[Component::insert("\u{FFFC}")]);
        let embed = rich(&[Component::embed(Json::parse("{}").unwrap())]);
        assert_ne!(typed, embed);
        assert_ne!(typed.checksum(), embed.checksum());
        assert_ne!(embed.checksum(), rich(&[Component::embed(Json::parse("{\"a\":1}").unwrap())]).checksum());
    }

    /// Old clients compare it with new servers: it may never change.
    #[test]
    fn the_checksum_is_frozen() {
        assert_eq!(Document::from("a🏆").checksum(), Checksum(PLAIN));
        let bold = Attributes::from_pairs([("bold", Json::yes())]);
        let picture = Component::Embed { value: Json::parse(r#"{"image":"x"}"#).unwrap(), attributes: bold };
        assert_eq!(rich(&[Component::insert("a"), picture]).checksum(), Checksum(RICH));
    }
    const PLAIN: u64 = 0x65a5_8799_d72e_4865;
    const RICH: u64 = 0x30d5_5a42_c7cb_4bc1;

    #[test]
    fn a_long_text_has_one_sum_wherever_its_last_edit_was() {
        let text = "0123456789".repeat(100);
        let sum = Document::from(text.as_str()).checksum();
        for at in [0, 255, 256, 257, 500, 999] {
            let mut edited = Document::from(text.replacen(|_| true, "", 1).as_str());
            edited.apply(&crate::operation::Operation::builder().insert("0").build()).unwrap();
            let there = crate::text::Utf16Length(at);
            let back = crate::operation::Operation::builder().retain(there).insert("x").build();
            let inverse = back.invert(&edited).unwrap();
            edited.apply(&back).unwrap();
            assert_ne!(edited.checksum(), sum);
            edited.apply(&inverse).unwrap();
            assert_eq!(edited.checksum(), sum, "{at}");
        }
    }
}
