//! What the session sends, read as a server reads it.

use cowrite_protocol::codec::decode_client;
use cowrite_protocol::frame::{ClientFrame, Position};
use cowrite_protocol::operation::Operation;
use cowrite_protocol::{ClientId, ClientSeq, Cursor, DocumentType, OperationLimits, RichText};

use super::Bench;

/// What the session sent, with its numbers read back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Sent {
    Hello { token: String },
    Open(Opening),
    Submit(Submitted),
    Cursor { version: u64, cursor: Cursor },
    Presence { state: Option<String> },
    Close { channel: u32 },
    Ping,
    Verify { version: u64 },
    Restore { base: u64, operation: Operation },
    Token { token: String },
}

/// An `Open`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Opening {
    pub(crate) request: u32,
    pub(crate) document: String,
    pub(crate) client: Option<ClientId>,
    pub(crate) position: Option<Position>,
    pub(crate) whole: bool,
    pub(crate) in_flight: Option<u64>,
}

/// A submit; `channel` is where it was sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Submitted {
    pub(crate) channel: u32,
    pub(crate) seq: u64,
    pub(crate) base: u64,
    pub(crate) operation: Operation,
    pub(crate) caret: SentCaret,
}

/// What a submit says of the caret.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SentCaret {
    Implied,
    Still,
    At(Cursor),
}

impl Bench {
    pub(super) fn receive(&mut self, message: &[u8]) {
        self.messages.push(message.len());
        let frames: Vec<_> = decode_client(message, usize::MAX).collect::<Result<_, _>>().expect("frames");
        for frame in frames {
            self.receive_frame(frame);
        }
    }

    fn receive_frame(&mut self, frame: ClientFrame<'_>) {
        let caret = match &frame {
            ClientFrame::SubmitStill(_) => SentCaret::Still,
            ClientFrame::SubmitCursor { cursor, .. } => SentCaret::At(cursor.clone()),
            _ => SentCaret::Implied,
        };
        self.sent.push_back(match frame {
            ClientFrame::Hello { token, .. } => Sent::Hello { token: token.to_owned() },
            ClientFrame::Open { request, document, client, position, whole, in_flight, .. } => {
                self.log.request = request;
                self.log.asked_at = position.map_or(0, |position| position.version.get());
                let (document, in_flight) = (document.to_string(), in_flight.map(ClientSeq::get));
                Sent::Open(Opening { request, document, client, position, whole, in_flight })
            }
            ClientFrame::Submit(submit)
            | ClientFrame::SubmitStill(submit)
            | ClientFrame::SubmitCursor { submit, .. } => {
                let last = self.carried.entry(submit.channel.0).or_default();
                last.0 = submit.seq.resolve(last.0).expect("a client_seq");
                last.1 = submit.base.resolve(last.1).expect("a base");
                let (seq, base) = *last;
                Sent::Submit(Submitted {
                    channel: submit.channel.0,
                    seq,
                    base,
                    operation: RichText::decode(submit.operation.0, &OperationLimits::NONE).expect("an operation"),
                    caret,
                })
            }
            ClientFrame::Cursor { channel, version, cursor } => {
                let last = self.carried.entry(channel.0).or_default();
                last.1 = version.resolve(last.1).expect("a version");
                Sent::Cursor { version: last.1, cursor }
            }
            ClientFrame::Presence { state, .. } => Sent::Presence { state: state.map(str::to_owned) },
            ClientFrame::Close { channel } => Sent::Close { channel: channel.0 },
            ClientFrame::Ping => Sent::Ping,
            ClientFrame::Verify { version, .. } => Sent::Verify { version: version.get() },
            ClientFrame::Restore { base, operation, .. } => Sent::Restore {
                base: base.get(),
                operation: RichText::decode(operation.0, &OperationLimits::NONE).expect("an operation"),
            },
            ClientFrame::Part { channel, total, bytes } => {
                let whole = self.parts.take(channel, total, bytes.0, u32::MAX).expect("parts in order");
                if let Some(whole) = whole {
                    let frame = decode_client(&whole, usize::MAX).next().expect("a frame").expect("a whole frame");
                    self.receive_frame(frame);
                }
                return;
            }
            ClientFrame::Token { token } => Sent::Token { token: token.to_owned() },
        });
    }
}
