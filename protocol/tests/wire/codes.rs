//! The codes: numbers and names that never change.

use cowrite_protocol::codec::decode_server;
use cowrite_protocol::frame::{Code, Remedy, Scope, ServerFrame};
use cowrite_protocol::{Channel, ClientSeq};

use crate::golden::server_bytes;

use Remedy::{NewClientId, RefreshToken, Retry, Stop};

/// Every code in the order of its number, with its name, scope and remedy.
pub(crate) const CODES: [(Code, &str, Scope, Remedy); 39] = [
    (Code::BadOperation, "bad_operation", Scope::Operation, Stop),
    (Code::PastEnd, "past_end", Scope::Operation, Stop),
    (Code::SplitsPair, "splits_pair", Scope::Operation, Stop),
    (Code::OperationTooLarge, "operation_too_large", Scope::Operation, Stop),
    (Code::DocumentTooLarge, "document_too_large", Scope::Operation, Stop),
    (Code::ReadOnly, "read_only", Scope::Operation, Stop),
    (Code::BaseAhead, "base_ahead", Scope::Operation, Stop),
    (Code::SeqReused, "seq_reused", Scope::Operation, Stop),
    (Code::SeqJump, "seq_jump", Scope::Operation, Stop),
    (Code::AlreadyRestored, "already_restored", Scope::Operation, Stop),
    (Code::Deleted, "deleted", Scope::Operation, Stop),
    (Code::RateLimited, "rate_limited", Scope::Submit, Retry),
    (Code::Superseded, "superseded", Scope::Channel, NewClientId),
    (Code::Behind, "behind", Scope::Channel, Retry),
    (Code::EpochChanged, "epoch_changed", Scope::Channel, Retry),
    (Code::Diverged, "diverged", Scope::Channel, Retry),
    (Code::AccessDenied, "access_denied", Scope::Channel, Stop),
    (Code::Unavailable, "unavailable", Scope::Channel, Retry),
    (Code::Damaged, "damaged", Scope::Channel, Stop),
    (Code::AlreadyOpen, "already_open", Scope::Channel, Stop),
    (Code::TooManyChannels, "too_many_channels", Scope::Channel, Stop),
    (Code::ForeignClient, "foreign_client", Scope::Channel, NewClientId),
    (Code::UnknownChannel, "unknown_channel", Scope::Channel, Stop),
    (Code::BadDocumentId, "bad_document_id", Scope::Channel, Stop),
    (Code::Malformed, "malformed", Scope::Connection, Stop),
    (Code::TooLarge, "too_large", Scope::Connection, Stop),
    (Code::HelloExpected, "hello_expected", Scope::Connection, Stop),
    (Code::VersionNotSpoken, "version_not_spoken", Scope::Connection, Stop),
    (Code::Unauthorized, "unauthorized", Scope::Connection, Stop),
    (Code::TokenExpired, "token_expired", Scope::Connection, RefreshToken),
    (Code::TooManyConnections, "too_many_connections", Scope::Connection, Retry),
    (Code::Silent, "silent", Scope::Connection, Retry),
    (Code::Stuck, "stuck", Scope::Connection, Retry),
    (Code::GoingAway, "going_away", Scope::Connection, Retry),
    (Code::Internal, "internal", Scope::Connection, Retry),
    (Code::InFlight, "in_flight", Scope::Operation, Stop),
    (Code::TokenRevoked, "token_revoked", Scope::Connection, RefreshToken),
    (Code::AccessChanged, "access_changed", Scope::Channel, Retry),
    (Code::ForbiddenContent, "forbidden_content", Scope::Operation, Stop),
];

#[test]
fn every_code_keeps_its_number_name_scope_and_remedy() {
    for (number, (code, name, scope, remedy)) in CODES.into_iter().enumerate() {
        let bytes = server_bytes(&ServerFrame::Reject { channel: Channel(0), seq: ClientSeq::NONE, code });
        assert_eq!(bytes, [10, 0, 0, number as u8], "{name}");
        assert_eq!((code.name(), code.scope(), code.remedy()), (name, scope, remedy));
    }
}

#[test]
fn there_is_no_other_code() {
    // The end of a channel; a refusal for a reason that is not known is a refusal nevertheless.
    let closed = |number: usize| decode_server(&[16, 0, number as u8, 0], 100).next().unwrap().map(drop);
    assert_eq!(closed(CODES.len() - 1), Ok(()));
    assert!(closed(CODES.len()).is_err());
}
