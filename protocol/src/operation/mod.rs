//! Operations on text, plain and rich, and their algebra.
//!
//! An [`Operation`] walks a document from its start: it retains, inserts and deletes,
//! and what it does not reach stays as it is. It is always in normal form (see
//! [`OperationBuilder`]), its JSON form is the Quill Delta, and its packed form is what
//! is sent, stored and hashed. [`RichText`] puts all of this behind
//! [`DocumentType`](crate::DocumentType).

mod additions;
mod apply;
mod attributes;
mod builder;
mod checksum;
mod component;
mod compose;
mod delta;
mod diff;
mod document;
mod edit_script;
mod format;
mod inserted_text;
mod invert;
mod json;
mod json_scanner;
mod order;
mod packed;
mod position;
mod rich_text;
mod runs;
mod slice;
mod split;
mod transform;
mod walk;

pub use attributes::{Attribute, Attributes, Nulls};
pub use builder::OperationBuilder;
pub use component::{Component, Operation};
pub use delta::DeltaError;
pub use document::{Document, Run};
pub use format::{Format, Names, Rule, TextRule, UrlRule};
pub use inserted_text::InsertText;
pub use json::{Json, JsonError};
pub use position::transform_position;
pub use rich_text::RichText;
pub use transform::{Priority, transform_as_quill};
