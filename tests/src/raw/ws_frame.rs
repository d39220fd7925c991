//! One frame of WebSocket, right or wrong.

/// The opcode of what goes on with a message.
const CONTINUATION: u8 = 0;
/// That of a text message.
const TEXT: u8 = 1;
/// That of a binary message.
const BINARY: u8 = 2;
/// That of a close.
const CLOSE: u8 = 8;
/// That of a ping.
const PING: u8 = 9;

/// A frame as it is written. Whoever makes one may set whatever the standard forbids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WsFrame {
    /// Nothing of its message follows.
    pub last: bool,
    /// The three reserved bits, as the number of 0 to 7 that they make.
    pub reserved: u8,
    /// What it is, 0 to 15.
    pub opcode: u8,
    /// With a mask, as a client must and a server must not.
    pub masked: bool,
    /// What the length field says, if it is not the payload's.
    pub announced: Option<u64>,
    /// What it carries.
    pub payload: Vec<u8>,
}

impl WsFrame {
    /// A whole message of a client.
    pub fn binary(payload: &[u8]) -> WsFrame {
        WsFrame::of(BINARY, payload)
    }

    /// A whole text message; the bytes need not be text.
    pub fn text(payload: &[u8]) -> WsFrame {
        WsFrame::of(TEXT, payload)
    }

    /// The last fragment of a message that has begun.
    pub fn continuation(payload: &[u8]) -> WsFrame {
        WsFrame::of(CONTINUATION, payload)
    }

    /// A ping.
    pub fn ping(payload: &[u8]) -> WsFrame {
        WsFrame::of(PING, payload)
    }

    /// A close, with these bytes as its code and reason.
    pub fn close(payload: &[u8]) -> WsFrame {
        WsFrame::of(CLOSE, payload)
    }

    /// A whole frame of any kind.
    pub fn of(opcode: u8, payload: &[u8]) -> WsFrame {
        WsFrame { last: true, reserved: 0, opcode, masked: true, announced: None, payload: payload.to_owned() }
    }

    /// The same, and more of its message follows.
    #[must_use]
    pub fn unfinished(self) -> WsFrame {
        WsFrame { last: false, ..self }
    }

    /// The same with this length in its head.
    #[must_use]
    pub fn announcing(self, bytes: u64) -> WsFrame {
        WsFrame { announced: Some(bytes), ..self }
    }

    /// Whether it is of a binary message, or goes on with one.
    pub fn is_data(&self) -> bool {
        matches!(self.opcode, CONTINUATION | BINARY)
    }

    /// The code of a close; `None` if it is none, or has no code.
    pub fn close_code(&self) -> Option<u16> {
        let code = self.payload.first_chunk::<2>()?;
        (self.opcode == CLOSE).then(|| u16::from_be_bytes(*code))
    }

    /// The bytes of it.
    pub fn encode(&self) -> Vec<u8> {
        // Any four bytes do; a fixed mask keeps a failure the same each time.
        const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
        let mut bytes = vec![u8::from(self.last) << 7 | self.reserved << 4 | self.opcode];
        let length = self.announced.unwrap_or(self.payload.len() as u64);
        let mask_bit = u8::from(self.masked) << 7;
        match length {
            0..=125 => bytes.push(mask_bit | length.to_le_bytes()[0]),
            126..=0xffff => {
                bytes.push(mask_bit | 126);
                bytes.extend_from_slice(&length.to_be_bytes()[6..]);
            }
            _ => {
                bytes.push(mask_bit | 127);
                bytes.extend_from_slice(&length.to_be_bytes());
            }
        }
        if self.masked {
            bytes.extend_from_slice(&MASK);
            bytes.extend(self.payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        } else {
            bytes.extend_from_slice(&self.payload);
        }
        bytes
    }

    /// Reads one without mask, as a server writes it, and gives its size; `None` if it is not whole.
    pub fn decode(bytes: &[u8]) -> Option<(WsFrame, usize)> {
        let [first, second] = *bytes.first_chunk::<2>()?;
        let (start, length) = match second & 0x7f {
            126 => (4, u64::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))),
            127 => (10, u64::from_be_bytes(*bytes.get(2..)?.first_chunk::<8>()?)),
            short => (2, u64::from(short)),
        };
        let end = start + usize::try_from(length).ok()?;
        let payload = bytes.get(start..end)?.to_owned();
        let (last, reserved, opcode) = (first & 0x80 != 0, first >> 4 & 7, first & 15);
        Some((WsFrame { last, reserved, opcode, masked: second & 0x80 != 0, announced: None, payload }, end))
    }
}

#[cfg(test)]
mod tests {
    use super::WsFrame;

    #[test]
    fn a_frame_without_mask_reads_back() {
        for size in [0, 1, 125, 126, 65_535, 65_536] {
            let frame = WsFrame { masked: false, ..WsFrame::binary(&vec![7; size]) };
            let bytes = frame.encode();
            assert_eq!(WsFrame::decode(&bytes), Some((frame, bytes.len())), "{size}");
            assert_eq!(WsFrame::decode(&bytes[..bytes.len() - 1]), None);
        }
    }

    #[test]
    fn a_mask_hides_the_payload() {
        assert_eq!(WsFrame::text(b"Hello").encode(), b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    }
}
