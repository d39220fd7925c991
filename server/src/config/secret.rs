//! Values of flags that are secret, or are read from a file.

use std::ffi::OsStr;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command, Error};

/// A value that no message ever shows, unlike those of other flags.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hidden<T>(fn(&str) -> Result<T, String>);

/// The value of a flag that names the file which has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct InFile<T>(fn(&str) -> Result<T, String>);

/// Nothing that is read here is larger, in bytes.
const MOST_FILE_BYTES: u64 = 64 << 10;

/// Parses a secret value.
pub(super) fn hidden<T: FromStr<Err: Display>>() -> Hidden<T> {
    Hidden(|text| text.parse().map_err(|error: T::Err| error.to_string()))
}

/// Reads a file, and parses what is in it.
pub(super) fn in_file<T>(parse: fn(&str) -> Result<T, String>) -> InFile<T> {
    InFile(parse)
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Hidden<T> {
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        let parsed = value.to_str().ok_or_else(|| "not UTF-8".to_owned()).and_then(self.0);
        parsed.map_err(|error| refused(command, arg, &error))
    }
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for InFile<T> {
    type Value = T;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        let path = Path::new(value);
        let named = |error: String| refused(command, arg, &format!("{}: {error}", path.display()));
        read(path).and_then(|text| (self.0)(&text)).map_err(named)
    }
}

fn read(path: &Path) -> Result<String, String> {
    use std::io::Read;
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(MOST_FILE_BYTES + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    let fits = u64::try_from(text.len()).is_ok_and(|bytes| bytes <= MOST_FILE_BYTES);
    if fits { Ok(text) } else { Err(format!("it has more than {MOST_FILE_BYTES} bytes")) }
}

fn refused(command: &Command, arg: Option<&Arg>, error: &str) -> Error {
    let flag = arg.map(ToString::to_string).unwrap_or_default();
    command.clone().error(ErrorKind::ValueValidation, format!("{flag}: {error}"))
}
