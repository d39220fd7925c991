//! What people ask in a document.

use cowrite_protocol::{Utf16Length, Utf16Offset};

/// A line that asks.
#[derive(Debug, PartialEq)]
pub(crate) struct Question<'a> {
    /// What stands behind `@bot `.
    words: &'a str,
    /// Where the line ends.
    pub(crate) end: Utf16Offset,
}

impl<'a> Question<'a> {
    /// The first question without an answer below it. Its line has to have an end: until then
    /// somebody types it. What was answered is in the text alone, so a bot that is started
    /// again answers nothing twice.
    pub(crate) fn first(text: &'a str) -> Option<Question<'a>> {
        let mut offset = 0;
        let mut lines = text.split_inclusive('\n').peekable();
        while let Some(line) = lines.next() {
            let words = line.strip_suffix('\n').and_then(|line| line.strip_prefix("@bot "));
            let answered = lines.peek().is_some_and(|next| next.starts_with("bot: "));
            offset += Utf16Length::of(line).0;
            if let Some(words) = words.filter(|_| !answered) {
                // Before the line's end: what follows it, a caret too, moves down.
                let end = Utf16Offset(offset - if words.ends_with('\r') { 2 } else { 1 });
                return Some(Question { words: words.trim(), end });
            }
        }
        None
    }

    /// What the bot says to it.
    pub(crate) fn answer(&self, text: &str, names: &[&str]) -> String {
        match self.words {
            "words" => format!("{} words are written here.", text.split_whitespace().count()),
            "who" if names.is_empty() => "Nobody is here.".to_owned(),
            "who" => format!("Here are {}.", names.join(", ")),
            _ => "Ask me for “words”, or “who” is here.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_a_whole_line_without_an_answer() {
        let check = |text, expected: Option<(&str, u32)>| {
            let found = Question::first(text);
            assert_eq!(found.map(|question| (question.words, question.end.0)), expected, "{text:?}");
        };
        check("", None);
        check("@bot words", None);
        check("@bot words\n", Some(("words", 10)));
        check("@bot words\r\nmore", Some(("words", 10)));
        check("no @bot words\n", None);
        check("🏆\n@bot who\nbot: Nobody is here.\n@bot  ?\n", Some(("?", 40)));
        check("@bot who\nbot: Nobody is here.\n", None);
    }
}
