//! A file of cases, plain or gzipped.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;
use serde_json::Value;

use super::Case;

/// The first bytes of every gzip stream, RFC 1952.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What a file of cases holds.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorFile {
    cases: Vec<Value>,
}

/// Why a file of cases cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system refused, or the gzip stream is damaged.
    #[error("{path}: {cause}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It is no JSON.
    #[error("{path}: {cause}")]
    NoJson {
        /// Which file.
        path: PathBuf,
        /// Where, and why.
        cause: serde_json::Error,
    },
    /// It is JSON without a list of cases, or with an empty one: nothing would be checked.
    #[error("{path}: no case in it; a file is {{\"cases\": [{{\"id\", \"kind\", …}}, …]}}")]
    NoCases {
        /// Which file.
        path: PathBuf,
    },
}

impl VectorFile {
    /// Reads a file, by its first bytes gzipped or plain.
    ///
    /// # Errors
    /// If it cannot be read, is no JSON, or holds no case.
    pub fn read(path: &Path) -> Result<VectorFile, FileError> {
        let bytes = read(path).map_err(|cause| FileError::Unreadable { path: path.into(), cause })?;
        let whole: Value =
            serde_json::from_slice(&bytes).map_err(|cause| FileError::NoJson { path: path.into(), cause })?;
        // A bare list of cases says as much as one in an object.
        let cases = match whole {
            Value::Object(mut object) => object.remove("cases"),
            list => Some(list),
        };
        match cases {
            Some(Value::Array(cases)) if !cases.is_empty() => Ok(VectorFile { cases }),
            _ => Err(FileError::NoCases { path: path.into() }),
        }
    }

    /// Its cases, in the order of the file.
    pub fn cases(&self) -> impl ExactSizeIterator<Item = Case<'_>> {
        self.cases.iter().map(Case::new)
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = BufReader::new(File::open(path)?);
    let gzipped = std::io::BufRead::fill_buf(&mut file)?.starts_with(&GZIP);
    let mut bytes = Vec::new();
    if gzipped {
        GzDecoder::new(file).read_to_end(&mut bytes)?;
    } else {
        file.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
