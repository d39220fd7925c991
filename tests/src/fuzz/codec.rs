//! Any bytes as messages: what is read of them is written as it is read again.

use cowrite_protocol::codec::{DecodeError, decode_client, decode_server, encode_client, encode_server};
use cowrite_protocol::frame::{Code, ServerFrame};

const LIMIT: usize = 256 << 10;

/// Any bytes, read as a client's message and as a server's. What is read is the same when it is written and
/// read once more, and the server's frames are the same to the reader by hand and to the derived one, but for reasons of refusals
/// that are not known yet.
pub fn codec(data: &[u8]) {
    let client: Vec<_> = decode_client(data, LIMIT).collect();
    let mut again = Vec::new();
    let read: Vec<_> = client.iter().flatten().cloned().collect();
    read.iter().for_each(|frame| encode_client(frame, &mut again));
    assert_eq!(decode_client(&again, usize::MAX).collect::<Result<Vec<_>, _>>(), Ok(read));

    let server: Vec<_> = decode_server(data, LIMIT).collect();
    agree(&server, &derived(data));
    again.clear();
    let read: Vec<_> = server.into_iter().flatten().collect();
    read.iter().for_each(|frame| encode_server(frame, &mut again));
    assert_eq!(decode_server(&again, usize::MAX).collect::<Result<Vec<_>, _>>(), Ok(read));
}

/// Both readers read the same, up to a refusal for a reason that is not known here: by hand that is one of an
/// unknown reason, and what follows it is read.
fn agree(by_hand: &[Result<ServerFrame<'_>, DecodeError>], derived: &[Result<ServerFrame<'_>, DecodeError>]) {
    let differ = (0..by_hand.len().max(derived.len())).find(|at| by_hand.get(*at) != derived.get(*at));
    let Some(at) = differ else { return };
    let unknown = match &by_hand[at..] {
        [Ok(ServerFrame::Reject { code, .. } | ServerFrame::Restored { refused: Some(code), .. }), ..] => {
            *code == Code::BadOperation
        }
        _ => false,
    };
    let stopped = matches!(derived[at..], [Err(DecodeError::Malformed { .. })]);
    assert!(unknown && stopped, "the two readers disagree: {by_hand:?} and {derived:?}");
}

/// The server's frames, by the reader that serde derives.
fn derived(message: &[u8]) -> Vec<Result<ServerFrame<'_>, DecodeError>> {
    let mut frames = Vec::new();
    if message.len() > LIMIT {
        return vec![Err(DecodeError::TooLarge { bytes: message.len(), limit: LIMIT })];
    }
    let mut rest = message;
    while let Some(&kind) = rest.first() {
        let malformed = Err(DecodeError::Malformed { at: message.len() - rest.len() });
        if (64..128).contains(&kind) {
            // Ignorable: a length, and as many bytes.
            let Ok((_, behind)) = postcard::take_from_bytes::<&[u8]>(&rest[1..]) else {
                frames.push(malformed);
                return frames;
            };
            rest = behind;
            continue;
        }
        match postcard::take_from_bytes::<ServerFrame<'_>>(rest) {
            Ok((frame, behind)) if kind < 128 => {
                frames.push(Ok(frame));
                rest = behind;
            }
            _ => {
                frames.push(malformed);
                return frames;
            }
        }
    }
    frames
}
