//! Text and its unit of measure: UTF-16 code units, everywhere.

mod gap_buffer;
mod unit;

pub use gap_buffer::Text;
pub use unit::{Utf16Length, Utf16Offset};
