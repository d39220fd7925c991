//! One row put into the database, as the journal keeps it.

use serde::{Deserialize, Serialize};

use super::record::RecordError;

/// A row and its place. Put again in the same order, the same rows leave the same database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Row<'a> {
    Document {
        name: &'a str,
        value: &'a [u8],
    },
    Head {
        name: &'a str,
        value: &'a [u8],
    },
    Entry {
        number: u64,
        version: u64,
        value: &'a [u8],
    },
    /// Without a value the row goes.
    Client {
        number: u64,
        client: u128,
        value: Option<&'a [u8]>,
    },
    Snapshot {
        number: u64,
        value: &'a [u8],
    },
    /// How many documents there are.
    Count {
        value: &'a [u8],
    },
    /// The entries of these versions go.
    Trim {
        number: u64,
        first: u64,
        last: u64,
    },
}

impl Row<'_> {
    /// Writes the row behind others.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        *out = postcard::to_extend(self, std::mem::take(out)).map_err(RecordError::Fields)?;
        Ok(())
    }

    /// Reads the first of some rows; `None` behind the last.
    pub(super) fn read<'a>(rows: &mut &'a [u8]) -> Result<Option<Row<'a>>, RecordError> {
        if rows.is_empty() {
            return Ok(None);
        }
        let (row, rest) = postcard::take_from_bytes(rows).map_err(RecordError::Fields)?;
        *rows = rest;
        Ok(Some(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_back_in_their_order() {
        let rows = [
            Row::Document { name: "a", value: b"1" },
            Row::Head { name: "a", value: b"" },
            Row::Entry { number: u64::MAX, version: 7, value: &[0; 300] },
            Row::Client { number: 1, client: u128::MAX, value: Some(b"c") },
            Row::Client { number: 1, client: 0, value: None },
            Row::Snapshot { number: 1, value: b"s" },
            Row::Count { value: b"n" },
            Row::Trim { number: 1, first: 1, last: 9 },
        ];
        let mut bytes = Vec::new();
        rows.iter().for_each(|row| row.write(&mut bytes).unwrap());
        let mut rest = &*bytes;
        for row in rows {
            assert_eq!(Row::read(&mut rest).unwrap(), Some(row));
        }
        assert_eq!(Row::read(&mut rest).unwrap(), None);
        assert!(Row::read(&mut &bytes[..1]).is_err());
    }
}
