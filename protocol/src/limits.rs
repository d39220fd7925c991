//! What a peer may ask for. The server announces its limits in `Welcome`, and the
//! client holds to them before it sends.

use serde::{Deserialize, Serialize};

/// The limits of one operation that is submitted. They never bind what the server
/// itself sends: a catch-up is as large as it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationLimits {
    /// Most components in normal form.
    pub components: u32,
    /// Most bytes of the packed form.
    pub bytes: u32,
    /// Most attributes in one set. Without it two operations of a megabyte, one with a
    /// huge set and one with many components, would take hours to transform.
    pub attributes: u32,
}

impl OperationLimits {
    /// For what comes from our own side: as large as its bytes are.
    pub const NONE: OperationLimits = OperationLimits { components: u32::MAX, bytes: u32::MAX, attributes: u32::MAX };
}

impl Default for OperationLimits {
    fn default() -> Self {
        OperationLimits { components: 100_000, bytes: 16 << 20, attributes: 64 }
    }
}

/// All limits that the server announces, in the units that the names say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Limits of one submitted operation.
    pub operation: OperationLimits,
    /// Most UTF-16 code units that a document may hold.
    pub document_units: u32,
    /// Most bytes of one WebSocket message.
    pub message_bytes: u32,
    /// Most bytes of one part of a transfer.
    pub part_bytes: u32,
    /// Most documents open on one connection.
    pub channels: u32,
    /// Most bytes of a member's presence state.
    pub presence_bytes: u32,
    /// Most selections in one cursor.
    pub selections: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            operation: OperationLimits::default(),
            document_units: 64 << 20,
            message_bytes: 256 << 10,
            part_bytes: 16 << 10,
            channels: 1_000,
            presence_bytes: 2 << 10,
            selections: 64,
        }
    }
}
