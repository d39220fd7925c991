//! Names and numbers: who, which document, which point of its history.

mod client_id;
mod document_id;
mod number;
mod user_id;

pub use client_id::{ClientId, ParseClientIdError};
pub use document_id::{DocumentId, ParseDocumentIdError};
pub use number::{AuthorNumber, Channel, ClientSeq, Epoch, Generation, Version};
pub use user_id::{ParseUserIdError, UserId};
