//! The flag that says what documents may hold.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::{Arg, Command, Error};

use super::secret::in_file;
use crate::formats::Formats;

/// The name of a format that every server has, or the file that has others.
#[derive(Clone, Copy, Debug)]
pub(super) struct NameOrFile;

/// Parses the one or reads the other.
pub(super) fn formats() -> NameOrFile {
    NameOrFile
}

impl TypedValueParser for NameOrFile {
    type Value = Formats;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Formats, Error> {
        match value.to_str().and_then(Formats::built_in) {
            Some(formats) => Ok(formats),
            None => {
                in_file(|text| Formats::parse(text).map_err(|error| error.to_string())).parse_ref(command, arg, value)
            }
        }
    }
}
