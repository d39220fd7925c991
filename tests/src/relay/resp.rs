//! As much of Redis's protocol as telling one message from the next takes.

/// A request that does nothing.
pub(super) const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";

/// Cuts a stream into its messages.
#[derive(Debug, Default)]
pub(super) struct Messages(Vec<u8>);

impl Messages {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next whole message.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        let end = end(&self.0, 0)?;
        let rest = self.0.split_off(end);
        Some(std::mem::replace(&mut self.0, rest))
    }
}

/// Whether it is a message that nobody has asked for, with RESP3.
pub(super) fn is_push(message: &[u8]) -> bool {
    message.first() == Some(&b'>')
}

/// Whether it is a message of a channel.
pub(super) fn is_published(message: &[u8]) -> bool {
    is_push(message) && (contains(message, b"\r\nsmessage\r\n") || contains(message, b"\r\nmessage\r\n"))
}

/// Whether a request is answered by pushes alone.
pub(super) fn is_subscription(request: &[u8]) -> bool {
    let name = request.split(|&byte| byte == b'\n').nth(2).unwrap_or_default();
    name.to_ascii_uppercase().ends_with(b"SUBSCRIBE\r")
}

pub(super) fn contains(message: &[u8], pattern: &[u8]) -> bool {
    pattern.is_empty() || message.windows(pattern.len()).any(|window| window == pattern)
}

/// Where the value that starts at `at` ends; `None` if not all of it is there.
fn end(bytes: &[u8], at: usize) -> Option<usize> {
    let line = bytes.get(at..)?.windows(2).position(|pair| pair == b"\r\n")? + at;
    let next = line + 2;
    let count = || {
        let digits = std::str::from_utf8(&bytes[at + 1..line]).ok()?;
        // What is absent counts -1.
        digits.parse::<i64>().ok().map(|count| usize::try_from(count).ok())
    };
    let values = |count: usize| (0..count).try_fold(next, |at, _| end(bytes, at));
    match bytes[at] {
        b'$' | b'!' | b'=' => match count()? {
            None => Some(next),
            Some(length) => Some(next + length + 2).filter(|&end| end <= bytes.len()),
        },
        b'*' | b'~' | b'>' => values(count()?.unwrap_or(0)),
        b'%' => values(2 * count()?.unwrap_or(0)),
        // Attributes belong to the value behind them.
        b'|' => values(2 * count()?.unwrap_or(0) + 1),
        _ => Some(next),
    }
}

#[cfg(test)]
mod tests {
    use super::Messages;

    #[test]
    fn messages_are_told_apart_wherever_the_stream_is_cut() {
        let all = [
            "*2\r\n$3\r\nGET\r\n$5\r\na\r\nbc\r\n",
            "PING\r\n",
            "+OK\r\n",
            ":7\r\n",
            "$-1\r\n",
            "*-1\r\n",
            "*0\r\n",
            "%1\r\n+a\r\n*2\r\n_\r\n#t\r\n",
            "|1\r\n+ttl\r\n:3\r\n$1\r\nx\r\n",
            ">2\r\n+message\r\n$2\r\nhi\r\n",
        ];
        let stream = all.concat();
        for cut in 0..=stream.len() {
            let mut messages = Messages::default();
            let mut found = Vec::new();
            for part in [&stream[..cut], &stream[cut..]] {
                messages.add(part.as_bytes());
                found.extend(std::iter::from_fn(|| messages.take()).map(|message| String::from_utf8(message).unwrap()));
            }
            assert_eq!(found, all, "cut at {cut}");
        }
    }
}
