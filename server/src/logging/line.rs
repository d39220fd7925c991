//! One log line, made safe for whatever reads it.

use std::borrow::Cow;

/// Bytes of one line at most. What is longer tells more about a mistake than about what happened.
pub(super) const MOST_BYTES: usize = 16 << 10;

/// The line as it is written: control characters inside it escaped, so that nobody who chooses a
/// part of a line can make two of it or play with a terminal, and no longer than [`MOST_BYTES`] and a
/// little. With `colours`, those of our own stay. Costs one look through it.
pub(super) fn safe(line: &[u8], json: bool, colours: bool) -> Cow<'_, [u8]> {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    if text.len() > MOST_BYTES {
        return Cow::Owned(cut(text, json, colours));
    }
    let is_safe = |byte: &u8| !is_control(*byte, colours);
    if text.iter().all(is_safe) && text.len() < line.len() {
        return Cow::Borrowed(line);
    }
    let mut safe = escape(text, colours);
    safe.push(b'\n');
    Cow::Owned(safe)
}

fn cut(text: &[u8], json: bool, colours: bool) -> Vec<u8> {
    let bytes = text.len();
    if json {
        // A part of an object is none.
        let message = "a log line that was too long is left out";
        let line = format!("{{\"level\":\"WARN\",\"fields\":{{\"message\":\"{message}\",\"bytes\":{bytes}}}}}\n");
        return line.into_bytes();
    }
    let mut cut = escape(&text[..MOST_BYTES], colours);
    cut.extend_from_slice(format!("… ({bytes} bytes)\n").as_bytes());
    cut
}

fn escape(text: &[u8], colours: bool) -> Vec<u8> {
    let mut safe = Vec::with_capacity(text.len() + 16);
    for &byte in text {
        if is_control(byte, colours) {
            safe.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
        } else {
            safe.push(byte);
        }
    }
    safe
}

fn is_control(byte: u8, colours: bool) -> bool {
    byte.is_ascii_control() && !(colours && byte == 0x1b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &[u8], json: bool) -> String {
        String::from_utf8_lossy(&safe(line, json, false)).into_owned()
    }

    #[test]
    fn what_is_inside_a_line_cannot_begin_another() {
        assert_eq!(text(b"INFO a=b\n", false), "INFO a=b\n");
        assert_eq!(text(b"a=b\nERROR forged\r\x1b[2J\0\n", false), "a=b\\x0aERROR forged\\x0d\\x1b[2J\\x00\n");
        assert_eq!(text(b"no end", false), "no end\n");
        assert_eq!(text("grün \u{1F600}\n".as_bytes(), false), "grün \u{1F600}\n");
    }

    #[test]
    fn a_line_is_bounded_and_json_stays_json() {
        let long = vec![b'x'; 10 * MOST_BYTES];
        assert!(text(&long, false).len() < MOST_BYTES + 64);
        assert!(text(&long, true).starts_with('{') && text(&long, true).ends_with("}}\n"));
    }
}
