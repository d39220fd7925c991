//! Reads JSON text and writes it canonically, value by value.
//!
//! It is small on purpose: it runs in the browser's module, which has no other JSON
//! reader. It recurses no deeper than [`JSON_DEPTH`], whatever it is given.

use alloc::string::String;
use alloc::vec::Vec;

use super::json::{JSON_DEPTH, JsonError};
use super::order::last_of_each;

/// A place in a JSON text.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Starts at the beginning of a text.
    pub(super) const fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, at: 0 }
    }

    /// The next byte that is no white space, which stays to be read.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.byte() {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    /// Reads the byte if it comes next.
    pub(super) fn accept(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Reads the byte, which must come next.
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.accept(byte) { Ok(()) } else { Err(self.malformed()) }
    }

    /// Insists that nothing is left.
    pub(super) fn end(&mut self) -> Result<(), JsonError> {
        if self.peek().is_none() { Ok(()) } else { Err(self.malformed()) }
    }

    /// Where reading stands, in bytes.
    pub(super) fn at(&self) -> u32 {
        u32::try_from(self.at).unwrap_or(u32::MAX)
    }

    /// The error that the text is no JSON, here.
    pub(super) fn malformed(&self) -> JsonError {
        JsonError::Malformed { at: self.at() }
    }

    /// Reads any value and appends it in canonical form.
    pub(super) fn value(&mut self, out: &mut String, depth: u32) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'{') => self.object(out, self.deeper(depth)?),
            Some(b'[') => self.array(out, self.deeper(depth)?),
            Some(b'"') => {
                let string = self.string()?;
                write_string(out, &string);
                Ok(())
            }
            Some(b't') => self.word("true", out),
            Some(b'f') => self.word("false", out),
            Some(b'n') => self.word("null", out),
            _ => {
                let number = self.number()?;
                out.push_str(number);
                Ok(())
            }
        }
    }

    /// Reads a string and gives what it stands for.
    pub(super) fn string(&mut self) -> Result<String, JsonError> {
        self.expect(b'"')?;
        let mut string = String::new();
        loop {
            let start = self.at;
            while self.byte().is_some_and(|byte| byte != b'"' && byte != b'\\' && byte >= 0x20) {
                self.at += 1;
            }
            // Both ends stand beside an ASCII byte or at the text's end, never inside a character.
            string.push_str(self.text.get(start..self.at).unwrap_or_default());
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(b'\\') => string.push(self.escape()?),
                _ => return Err(self.malformed()),
            }
        }
    }

    /// Reads a number and gives it as it was written.
    pub(super) fn number(&mut self) -> Result<&'a str, JsonError> {
        self.peek();
        let start = self.at;
        self.skip(b'-');
        if !self.skip(b'0') {
            self.digits()?;
        }
        if self.skip(b'.') {
            self.digits()?;
        }
        if self.skip(b'e') || self.skip(b'E') {
            if !self.skip(b'+') {
                self.skip(b'-');
            }
            self.digits()?;
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// Reads `null` if it comes next.
    pub(super) fn accept_null(&mut self) -> bool {
        self.peek() == Some(b'n') && self.word("null", &mut String::new()).is_ok()
    }

    /// Reads an object: the last of equal keys counts, and keys are written in the order
    /// of their UTF-8 bytes.
    fn object(&mut self, out: &mut String, depth: u32) -> Result<(), JsonError> {
        self.expect(b'{')?;
        let mut members: Vec<(String, String)> = Vec::new();
        let mut in_order = true;
        if !self.accept(b'}') {
            loop {
                self.peek();
                let key = self.string()?;
                self.expect(b':')?;
                let mut value = String::new();
                self.value(&mut value, depth)?;
                in_order &= members.last().is_none_or(|(last, _)| *last < key);
                members.push((key, value));
                if !self.accept(b',') {
                    break;
                }
            }
            self.expect(b'}')?;
        }
        let order = if in_order {
            (0..members.len()).collect()
        } else {
            last_of_each(members.len(), &|a, b| members[a].0.cmp(&members[b].0))
        };
        out.push('{');
        for (index, (key, value)) in order.into_iter().map(|at| &members[at]).enumerate() {
            if index > 0 {
                out.push(',');
            }
            write_string(out, key);
            out.push(':');
            out.push_str(value);
        }
        out.push('}');
        Ok(())
    }

    fn array(&mut self, out: &mut String, depth: u32) -> Result<(), JsonError> {
        self.expect(b'[')?;
        out.push('[');
        if !self.accept(b']') {
            loop {
                self.value(out, depth)?;
                if !self.accept(b',') {
                    break;
                }
                out.push(',');
            }
            self.expect(b']')?;
        }
        out.push(']');
        Ok(())
    }

    fn word(&mut self, word: &str, out: &mut String) -> Result<(), JsonError> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.malformed());
        }
        self.at += word.len();
        out.push_str(word);
        Ok(())
    }

    /// Reads an escape, both halves of a pair at once.
    fn escape(&mut self) -> Result<char, JsonError> {
        let at = self.at();
        self.at += 1;
        let byte = self.byte().ok_or(self.malformed())?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                if !(0xD800..0xE000).contains(&first) {
                    return char::from_u32(first).ok_or(JsonError::LoneSurrogate { at });
                }
                if first >= 0xDC00 || !(self.skip(b'\\') && self.skip(b'u')) {
                    return Err(JsonError::LoneSurrogate { at });
                }
                let second = self.hex()?;
                if !(0xDC00..0xE000).contains(&second) {
                    return Err(JsonError::LoneSurrogate { at });
                }
                let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                char::from_u32(code).ok_or(JsonError::LoneSurrogate { at })?
            }
            _ => return Err(JsonError::Malformed { at }),
        })
    }

    fn hex(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.byte().and_then(|byte| char::from(byte).to_digit(16)).ok_or(self.malformed())?;
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }

    /// Reads at least one digit.
    fn digits(&mut self) -> Result<(), JsonError> {
        if !self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.malformed());
        }
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    /// Reads the byte if it is the very next.
    fn skip(&mut self, byte: u8) -> bool {
        let there = self.byte() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn deeper(&self, depth: u32) -> Result<u32, JsonError> {
        if depth < JSON_DEPTH { Ok(depth + 1) } else { Err(JsonError::TooDeep { limit: JSON_DEPTH, at: self.at() }) }
    }
}

/// Appends a string in quotes, with no more escapes than JSON demands.
pub(super) fn write_string(out: &mut String, string: &str) {
    out.push('"');
    let mut rest = string;
    // Most of a text is written as it is, so that it is gone through for what is not.
    let is_escaped = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
    while let Some((at, byte)) = rest.bytes().enumerate().find(|(_, byte)| is_escaped(*byte)) {
        // What is escaped is ASCII, so both ends are boundaries of characters.
        out.push_str(rest.get(..at).unwrap_or_default());
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            0x0C => "\\f",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            _ => "\\u00",
        };
        out.push_str(short);
        if short.len() == 4 {
            out.push(char::from(b'0' + (byte >> 4)));
            out.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
        }
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    out.push('"');
}

/// Appends a number in decimal.
pub(super) fn write_number(out: &mut String, number: u32) {
    let mut digits = [0; 10];
    let (mut at, mut rest) = (digits.len(), number);
    loop {
        at -= 1;
        // The remainder is below ten.
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend(digits[at..].iter().map(|digit| char::from(*digit)));
}
