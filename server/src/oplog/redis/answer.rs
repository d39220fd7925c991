//! What the scripts answer, read back into the op log's own words.

use bytes::Bytes;
use cowrite_protocol::{ClientSeq, Epoch, Generation, RunningHash, Version};
use redis::Value;
use thiserror::Error;

use super::record::read_entry;
use crate::oplog::{AdvanceOutcome, ClientState, Entry, Head, OpenedLog, Refusal};
use crate::redis::Trouble;

/// The fields of an answer, one after the other.
pub(super) struct Fields(std::vec::IntoIter<Value>);

/// Why an answer with entries is not taken.
#[derive(Debug, Error)]
pub(super) enum EntriesError {
    /// Not an entry at all, or not the next one.
    #[error("{0}")]
    Damaged(String),
    /// Not of the form that was agreed.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl Fields {
    pub(super) fn of(value: Value) -> Result<Fields, Trouble> {
        match value {
            Value::Array(fields) => Ok(Fields(fields.into_iter())),
            _ => Err(Trouble::Nonsense("not a list")),
        }
    }

    pub(super) fn bytes(&mut self) -> Result<Bytes, Trouble> {
        match self.0.next() {
            Some(Value::BulkString(bytes)) => Ok(Bytes::from(bytes)),
            Some(Value::SimpleString(text)) => Ok(Bytes::from(text)),
            _ => Err(Trouble::Nonsense("not a text")),
        }
    }

    pub(super) fn list(&mut self) -> Result<Fields, Trouble> {
        Fields::of(self.0.next().ok_or(Trouble::Nonsense("too short"))?)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    pub(super) fn number(&mut self) -> Result<u64, Trouble> {
        number(&self.bytes()?)
    }

    pub(super) fn version(&mut self) -> Result<Version, Trouble> {
        Version::new(self.number()?).ok_or(Trouble::Nonsense("not a version"))
    }

    pub(super) fn head(&mut self) -> Result<Head, Trouble> {
        let epoch = epoch(&self.bytes()?)?;
        let version = self.version()?;
        let hash = hash(&self.bytes()?)?;
        Ok(Head { epoch, version, hash })
    }

    pub(super) fn opened(&mut self) -> Result<OpenedLog, Trouble> {
        let (head, floor) = (self.head()?, self.version()?);
        if self.is_empty() {
            return Ok(OpenedLog { head, floor, client: None });
        }
        let generation = Generation::new(self.number()?);
        let seq = ClientSeq::new(self.number()?).ok_or(Trouble::Nonsense("not a client_seq"))?;
        let last = (seq != ClientSeq::NONE).then_some(seq);
        let version = self.version()?;
        Ok(OpenedLog { head, floor, client: Some(ClientState { generation, last: last.map(|seq| (seq, version)) }) })
    }

    pub(super) fn refusals(&mut self) -> Result<Vec<(usize, Refusal)>, Trouble> {
        let mut refused = Vec::new();
        let mut list = self.list()?;
        while !list.is_empty() {
            let mut one = list.list_with_number()?;
            let index = usize::try_from(one.0).map_err(|_| Trouble::Nonsense("not an index"))?;
            let refusal = match &one.1.bytes()?[..] {
                b"fenced" => Refusal::Fenced,
                b"other user" => Refusal::OtherUser,
                b"duplicate" => {
                    let last = ClientSeq::new(one.1.number()?).ok_or(Trouble::Nonsense("not a client_seq"))?;
                    Refusal::Duplicate { last, version: one.1.version()? }
                }
                _ => return Err(Trouble::Nonsense("not a refusal")),
            };
            refused.push((index, refusal));
        }
        Ok(refused)
    }

    /// A list that begins with a number.
    fn list_with_number(&mut self) -> Result<(i64, Fields), Trouble> {
        let mut list = self.list()?;
        match list.0.next() {
            Some(Value::Int(number)) => Ok((number, list)),
            _ => Err(Trouble::Nonsense("not a number")),
        }
    }

    /// Entries after a version, which must follow it without a gap: those before the first
    /// that is none, if there are any.
    pub(super) fn entries(&mut self, after: Version) -> Result<Vec<Entry>, EntriesError> {
        let mut list = self.list()?;
        let mut entries = Vec::new();
        let mut version = after;
        while !list.is_empty() {
            let (id, record) = (list.bytes()?, list.bytes()?);
            version = version.next();
            match entry_of(version, &id, &record) {
                Ok(entry) => entries.push(entry),
                Err(reason) if entries.is_empty() => return Err(EntriesError::Damaged(reason)),
                // Asked for what follows these, it is the first.
                Err(_) => break,
            }
        }
        Ok(entries)
    }
}

fn entry_of(version: Version, id: &[u8], record: &Bytes) -> Result<Entry, String> {
    if id != format!("{version}-0").as_bytes() {
        return Err(format!("entry {} stands where {version}-0 must", String::from_utf8_lossy(id)));
    }
    read_entry(version, record).map_err(|error| format!("entry {version}-0: {error}"))
}

/// The outcome of a new life.
pub(super) fn advanced(value: Value) -> Result<AdvanceOutcome, Trouble> {
    let mut fields = Fields::of(value)?;
    let advanced = fields.bytes()? == "advanced";
    let head = fields.head()?;
    Ok(if advanced { AdvanceOutcome::Advanced(head) } else { AdvanceOutcome::Other(head) })
}

/// An epoch as it is written; empty for none.
pub(super) fn epoch(text: &[u8]) -> Result<Option<Epoch>, Trouble> {
    if text.is_empty() {
        return Ok(None);
    }
    let name = std::str::from_utf8(text).ok().and_then(|text| u64::from_str_radix(text, 16).ok());
    name.and_then(Epoch::new).map(Some).ok_or(Trouble::Nonsense("not an epoch"))
}

/// How an epoch is written.
pub(super) fn epoch_text(epoch: Option<Epoch>) -> String {
    epoch.map(|epoch| epoch.to_string()).unwrap_or_default()
}

pub(super) fn hash(bytes: &[u8]) -> Result<RunningHash, Trouble> {
    let bytes = <[u8; 16]>::try_from(bytes).map_err(|_| Trouble::Nonsense("not a running hash"))?;
    Ok(RunningHash::from_bytes(bytes))
}

pub(super) fn number(text: &[u8]) -> Result<u64, Trouble> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.ok_or(Trouble::Nonsense("not a number"))
}
