//! Putting a document together again when its state and its log do not belong together:
//! one of them was deleted, evicted or restored without the other.
//!
//! What survives is the longest history that proves itself: from a whole snapshot or from
//! the beginning, over entries without a gap, to one whose running hash is the one that
//! is stored with it. It begins a new life, so every room and client notices. What does
//! not belong to it is kept under another key.

use std::collections::HashMap;

use bytes::Bytes;
use cowrite_protocol::{ClientId, DocumentId, Epoch, RunningHash, Version};
use redis::Value;

use super::answer::{epoch_text, hash};
use super::keys::Keys;
use super::live;
use super::reach::{Reach, unavailable};
use super::record::read_entry;
use super::snapshot::read_snapshot;
use crate::oplog::{Entry, LogError, Snapshot};
use crate::redis::Trouble;

/// Entries read at once.
const PAGE: usize = 512;

/// What was found of a document.
struct Remains {
    /// The fields of the state that are compared again before anything is changed.
    epoch: Bytes,
    version: Bytes,
    clients: HashMap<ClientId, String>,
    /// Entries in the order of the stream, each with the running hash where it is stored.
    entries: Vec<(String, Bytes, Bytes)>,
    snapshots: Vec<Snapshot>,
}

/// The history that proves itself.
struct Survivors {
    version: Version,
    hash: RunningHash,
    floor: Version,
    /// Entries above the floor, up to the version.
    entries: Vec<Entry>,
    snapshot: Option<(Version, RunningHash)>,
}

/// Puts a document together again, or finds that somebody else has.
///
/// # Errors
/// `Damaged` if there are entries and nothing that they can be read on.
pub(super) async fn recover(reach: &Reach, document: &DocumentId, keys: &Keys) -> Result<(), LogError> {
    let remains = find(reach, document, keys).await?;
    let Some(survivors) = survivors(&remains, None) else {
        let reason = format!(
            "its log has {} entries from {} on, and there is neither a snapshot nor a beginning that they follow",
            remains.entries.len(),
            remains.entries.first().map_or("-", |(id, ..)| id)
        );
        return Err(LogError::Damaged { reason });
    };
    if begin_again(reach, keys, &remains, &survivors).await? {
        tracing::error!(
            %document,
            survived = %survivors.version,
            before = %String::from_utf8_lossy(&remains.version),
            last_entry = remains.entries.last().map_or("", |(id, ..)| id),
            "state and log did not belong together; a new life begins with what survived, and what does not belong to it is kept aside"
        );
    }
    Ok(())
}

/// Cuts a document's history: what is behind this version does not count any more.
///
/// # Errors
/// `Damaged` if nothing that is stored leads to that version, or it is not behind the head.
pub(super) async fn cut(reach: &Reach, document: &DocumentId, keys: &Keys, until: Version) -> Result<(), LogError> {
    let remains = find(reach, document, keys).await?;
    let last = remains.entries.last().map_or("none", |(id, ..)| id);
    let leads = survivors(&remains, Some(until)).filter(|survivors| survivors.version == until);
    let Some(survivors) = leads.filter(|_| last != format!("{until}-0")) else {
        let reason =
            format!("it cannot end at version {until}: its last entry is {last}, and what is stored must lead there");
        return Err(LogError::Damaged { reason });
    };
    if !begin_again(reach, keys, &remains, &survivors).await? {
        return Err(unavailable(Trouble::Nonsense("it changed while it was cut; cut it again")));
    }
    tracing::warn!(%document, %until, last_entry = last, kept_aside = keys.damaged, "the history is cut");
    Ok(())
}

/// Begins a new life with what survives, if nothing has changed since it was found.
async fn begin_again(reach: &Reach, keys: &Keys, remains: &Remains, survivors: &Survivors) -> Result<bool, LogError> {
    let last = remains.entries.last().map_or("", |(id, ..)| id);
    let bits = getrandom::u64().map_err(|_| unavailable(Trouble::Nonsense("no random bits")))?;
    let new_epoch = Epoch::from_random(bits);
    let mut call = reach.scripts.recover.call(&[&keys.state, &keys.log, &keys.damaged]);
    call.arg(&remains.epoch[..]).arg(&remains.version[..]).arg(last).arg(epoch_text(Some(new_epoch)));
    call.arg(survivors.version.get()).arg(survivors.hash.as_bytes()).arg(survivors.floor.get());
    match survivors.snapshot {
        Some((version, hash)) => call.arg(version.get()).arg(hash.as_bytes()),
        None => call.arg("").arg(""),
    };
    call.arg(&keys.live).arg(live::look());
    for (client, record) in client_records(remains, survivors) {
        call.arg(client.as_bytes()).arg(record);
    }
    let answer = reach.topology.ask(keys.slot, Some(&reach.scripts.recover), &call).await.map_err(unavailable)?;
    Ok(matches!(&answer, Value::BulkString(text) if text == b"recovered"))
}

async fn find(reach: &Reach, document: &DocumentId, keys: &Keys) -> Result<Remains, LogError> {
    let topology = &reach.topology;
    let state = topology.ask(keys.slot, None, ::redis::cmd("HGETALL").arg(&keys.state)).await.map_err(unavailable)?;
    let mut remains = Remains {
        epoch: Bytes::new(),
        version: Bytes::new(),
        clients: HashMap::new(),
        entries: Vec::new(),
        snapshots: Vec::new(),
    };
    for (field, value) in pairs(state) {
        match (&field[..], field.strip_prefix(b"c")) {
            (b"epoch", _) => remains.epoch = value,
            (b"version", _) => remains.version = value,
            (_, Some(id)) => {
                if let Ok(id) = <[u8; 16]>::try_from(id) {
                    remains.clients.insert(ClientId::from_bytes(id), String::from_utf8_lossy(&value).into_owned());
                }
            }
            _ => {}
        }
    }
    let mut from = "-".to_owned();
    loop {
        let mut range = ::redis::cmd("XRANGE");
        range.arg(&keys.log).arg(&from).arg("+").arg("COUNT").arg(PAGE);
        let page = stream_entries(&topology.ask(keys.slot, None, &range).await.map_err(unavailable)?);
        let count = page.len();
        remains.entries.extend(page);
        match remains.entries.last() {
            Some((id, ..)) if count == PAGE => from = format!("({id}"),
            _ => break,
        }
    }
    for key in [&keys.snapshot, &keys.previous] {
        let found = topology.ask(keys.slot, None, ::redis::cmd("GET").arg(key)).await.map_err(unavailable)?;
        if let Value::BulkString(stored) = found {
            match read_snapshot(document, None, &Bytes::from(stored)) {
                Ok(snapshot) => remains.snapshots.push(snapshot),
                Err(error) => tracing::error!(%document, key, %error, "a stored snapshot is damaged and is ignored"),
            }
        }
    }
    Ok(remains)
}

/// The longest history that proves itself, up to a version where one is given; `None` if
/// there are entries and nothing to read them on.
fn survivors(remains: &Remains, until: Option<Version>) -> Option<Survivors> {
    let starts = remains.snapshots.iter().map(|snapshot| (snapshot.head.version, snapshot.head.hash));
    let usable = starts.filter(|(version, _)| until.is_none_or(|until| *version <= until)).map(Some);
    let candidates = usable.chain([None]).filter_map(|start| lead_on(remains, start, until));
    candidates.max_by_key(|survivors| (survivors.version, survivors.entries.len()))
}

/// The history that leads on from a snapshot, or from the beginning.
fn lead_on(remains: &Remains, start: Option<(Version, RunningHash)>, until: Option<Version>) -> Option<Survivors> {
    let (from, mut hash_here) = start.unwrap_or_default();
    let mut found = Survivors { version: from, hash: hash_here, floor: from, entries: Vec::new(), snapshot: start };
    let mut entries = Vec::new();
    let mut here = from;
    for (id, record, stored) in &remains.entries {
        let Some(version) = id.strip_suffix("-0").and_then(|id| id.parse().ok()).and_then(Version::new) else { break };
        if version <= from {
            continue;
        }
        let Ok(entry) = read_entry(version, record) else { break };
        if version != here.next() || until.is_some_and(|until| version > until) {
            break;
        }
        here = version;
        hash_here = hash_here.advance(version, &entry.client, entry.client_seq, &entry.operation);
        entries.push(entry);
        let proven = !stored.is_empty();
        if proven && hash(stored).ok() != Some(hash_here) {
            break;
        }
        // Where it is cut is for the operator to know.
        if proven || until == Some(here) {
            (found.version, found.hash) = (here, hash_here);
            found.entries.append(&mut entries);
        }
    }
    // From the beginning nothing but a history that begins there can be read; entries
    // that begin later are not to be thrown away for an empty document.
    let begins_later = remains.entries.first().is_some_and(|(id, ..)| id != "1-0");
    let nothing_read = start.is_none() && found.entries.is_empty() && begins_later && remains.epoch.is_empty();
    (!nothing_read).then_some(found)
}

/// The records that must change: of clients whose entries are gone, and, where the state
/// is lost, of all whose entries are left. A new life has begun, so no older copy of
/// theirs can commit whatever its generation.
fn client_records(remains: &Remains, survivors: &Survivors) -> Vec<(ClientId, String)> {
    let mut last: HashMap<ClientId, &Entry> = HashMap::new();
    last.extend(survivors.entries.iter().map(|entry| (entry.client, entry)));
    let mut records = Vec::new();
    for (client, text) in &remains.clients {
        let mut parts = text.splitn(5, ' ');
        let (Some(generation), Some(_), Some(version), Some(seen), Some(user)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            records.push((*client, String::new()));
            continue;
        };
        if version.parse().is_ok_and(|version: u64| version <= survivors.version.get()) {
            continue;
        }
        let (seq, version) = last.get(client).map_or((0, 0), |entry| (entry.client_seq.get(), entry.version.get()));
        records.push((*client, format!("{generation} {seq} {version} {seen} {user}")));
    }
    for (client, entry) in last {
        if !remains.clients.contains_key(&client) {
            let Entry { client_seq, version, user, time_ms, .. } = entry;
            records.push((client, format!("0 {client_seq} {version} {time_ms} {}", user.as_str())));
        }
    }
    records
}

/// The entries of an answer of `XRANGE`: id, record, running hash where it is stored.
pub(super) fn stream_entries(answer: &Value) -> Vec<(String, Bytes, Bytes)> {
    let Value::Array(entries) = answer else { return Vec::new() };
    let read = |entry: &Value| {
        let Value::Array(entry) = entry else { return None };
        let [Value::BulkString(id), Value::Array(fields)] = &entry[..] else { return None };
        let mut values = fields.chunks_exact(2).map(|pair| match &pair[1] {
            Value::BulkString(bytes) => Bytes::copy_from_slice(bytes),
            _ => Bytes::new(),
        });
        let record = values.next().unwrap_or_default();
        Some((String::from_utf8_lossy(id).into_owned(), record, values.next().unwrap_or_default()))
    };
    entries.iter().filter_map(read).collect()
}

/// Field and value pairs of `HGETALL`, in either form of the protocol.
fn pairs(answer: Value) -> Vec<(Bytes, Bytes)> {
    let text = |value| match value {
        Value::BulkString(bytes) => Bytes::from(bytes),
        _ => Bytes::new(),
    };
    match answer {
        Value::Map(pairs) => pairs.into_iter().map(|(field, value)| (text(field), text(value))).collect(),
        Value::Array(values) => {
            let mut values = values.into_iter();
            std::iter::from_fn(|| Some((text(values.next()?), text(values.next()?)))).collect()
        }
        _ => Vec::new(),
    }
}
