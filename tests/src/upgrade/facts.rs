//! What a log says of its documents and clients.

use std::collections::BTreeMap;

use cowrite_protocol::{ClientId, ClientSeq, DocumentId, UserId, Version};
use cowrite_server::oplog::OpLog;
use serde_json::{Map, Value, json};

use super::files::{hex, unhex};
use crate::history::replay;

/// The last operation of a client, whose answer it may not have got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// In which document.
    pub document: DocumentId,
    /// Who.
    pub user: UserId,
    /// The client's id.
    pub client: ClientId,
    /// The client's number for it.
    pub seq: ClientSeq,
    /// The version that it was made on.
    pub base: Version,
    /// The operation, packed.
    pub operation: Vec<u8>,
    /// The version that it became.
    pub version: Version,
}

impl Work {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "document": self.document.as_str(),
            "user": self.user.as_str(),
            "client": self.client.to_string(),
            "seq": self.seq.get(),
            "base": self.base.get(),
            "operation": hex(&self.operation),
            "version": self.version.get(),
        })
    }

    pub(super) fn from_json(value: &Value) -> Work {
        let text = |name: &str| value[name].as_str().expect("a text");
        let number = |name: &str| value[name].as_u64().expect("a number");
        Work {
            document: text("document").parse().unwrap(),
            user: text("user").parse().unwrap(),
            client: text("client").parse().unwrap(),
            seq: ClientSeq::new(number("seq")).unwrap(),
            base: Version::new(number("base")).unwrap(),
            operation: unhex(text("operation")),
            version: Version::new(number("version")).unwrap(),
        }
    }
}

/// Of each document of this work: epoch, version, hash, floor, snapshot and content, by a replay;
/// and of each of its clients the record. Raises the generation of each by one.
///
/// # Panics
/// If the log cannot be read, or something in it does not hold.
pub async fn facts(log: &dyn OpLog, work: &[Work]) -> Value {
    let mut documents: BTreeMap<&str, Value> = BTreeMap::new();
    for Work { document, user, client, .. } in work {
        let facts = match documents.remove(document.as_str()) {
            Some(facts) => facts,
            None => of_document(log, document).await,
        };
        let mut facts: Map<String, Value> = facts.as_object().cloned().unwrap_or_default();
        let opened = log.open(document, Some((*client, user.clone()))).await.unwrap();
        let state = opened.client.expect("a client was named");
        let last = state.last.map(|(seq, version)| json!([seq.get(), version.get()]));
        let record = json!({ "user": user.as_str(), "generation": format!("{:?}", state.generation), "last": last });
        facts.insert(format!("client {client}"), record);
        documents.insert(document.as_str(), Value::Object(facts));
    }
    json!(documents)
}

async fn of_document(log: &dyn OpLog, id: &DocumentId) -> Value {
    let replayed = replay(log, id).await.unwrap_or_else(|wrong| panic!("{id}: {wrong}"));
    let opened = log.open(id, None).await.unwrap();
    let snapshot = log.load_snapshot(id).await.unwrap();
    let content: Value = serde_json::from_str(&replayed.document.to_delta()).unwrap();
    json!({
        "epoch": opened.head.epoch.map(|epoch| epoch.to_string()),
        "version": replayed.version.get(),
        "hash": hex(replayed.hash.as_bytes()),
        "floor": opened.floor.get(),
        "snapshot": snapshot.map(|snapshot| snapshot.head.version.get()),
        "content": content,
    })
}
