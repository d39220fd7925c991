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

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};

    use super::*;
    use crate::auth::{ApiKey, Secret};

    #[test]
    fn what_is_wrong_with_a_secret_is_told_without_it() {
        let command = Command::new("test")
            .arg(Arg::new("secret").long("secret").value_parser(hidden::<Secret>()))
            .arg(Arg::new("key").long("key").value_parser(hidden::<ApiKey>()));
        for (flag, value) in [("--secret", "hush"), ("--key", "hush")] {
            let error = command.clone().try_get_matches_from(["test", flag, value]).unwrap_err().to_string();
            assert!(error.contains(flag) && !error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let parse = |text: &str| text.parse::<Secret>().map_err(|error| error.to_string());
        let command = Command::new("test").arg(Arg::new("file").long("file").value_parser(in_file(parse)));
        for file in ["/no/such/file", "/", "/dev/zero", "/dev/null"] {
            let error = command.clone().try_get_matches_from(["test", "--file", file]).unwrap_err().to_string();
            assert!(error.contains("--file") && error.contains(file), "{error}");
        }
    }
}
