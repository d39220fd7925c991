/** The codes of PROTOCOL.md, by their number. */
export const codes: readonly string[] = [
  "bad_operation", "past_end", "splits_pair", "operation_too_large", "document_too_large", "read_only", "base_ahead", "seq_reused",
  "seq_jump", "already_restored", "deleted", "rate_limited", "superseded", "behind", "epoch_changed", "diverged", "access_denied",
  "unavailable", "damaged", "already_open", "too_many_channels", "foreign_client", "unknown_channel", "bad_document_id", "malformed",
  "too_large", "hello_expected", "version_not_spoken", "unauthorized", "token_expired", "too_many_connections", "silent", "stuck",
  "going_away", "internal", "in_flight", "token_revoked", "access_changed", "forbidden_content",
];
