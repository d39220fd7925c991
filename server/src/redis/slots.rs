//! Which node of a cluster holds which key.

use redis::Value;

use super::topology::NodeAddress;

/// Hash slots of a cluster.
pub(super) const SLOTS: u16 = 16_384;

/// The slot of a key or sharded channel: of the part in the first braces, if there is one.
pub(crate) fn slot_of(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    let hashed = tag.filter(|tag| !tag.is_empty()).unwrap_or(key);
    crc16(hashed.as_bytes()) % SLOTS
}

/// CRC-16/XMODEM, as the cluster specification asks.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8)
            .fold(sum ^ (u16::from(*byte) << 8), |sum, _| if sum & 0x8000 == 0 { sum << 1 } else { sum << 1 ^ 0x1021 })
    })
}

/// Ranges of slots and their masters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SlotMap(Vec<(u16, u16, NodeAddress)>);

impl SlotMap {
    /// Reads the answer of `CLUSTER SLOTS`; a node that does not know its own host is at
    /// `asked`.
    pub(super) fn parse(answer: &Value, asked: &NodeAddress) -> Option<SlotMap> {
        let Value::Array(ranges) = answer else { return None };
        let mut map = Vec::with_capacity(ranges.len());
        for range in ranges {
            let Value::Array(range) = range else { return None };
            let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &range[..] else { return None };
            let [host, Value::Int(port), ..] = &master[..] else { return None };
            let host = match host {
                Value::BulkString(host) if !host.is_empty() => String::from_utf8(host.clone()).ok()?,
                _ => asked.host.clone(),
            };
            let address = NodeAddress { host, port: u16::try_from(*port).ok()? };
            map.push((u16::try_from(*first).ok()?, u16::try_from(*last).ok()?, address));
        }
        Some(SlotMap(map))
    }

    /// The master of a slot, if any serves it.
    pub(super) fn master(&self, slot: u16) -> Option<&NodeAddress> {
        self.0.iter().find(|(first, last, _)| (*first..=*last).contains(&slot)).map(|(_, _, address)| address)
    }

    /// A slot has moved for good.
    pub(super) fn moved(&mut self, slot: u16, to: NodeAddress) {
        // However often it moves, it is here once.
        self.0.retain(|(first, last, _)| (*first, *last) != (slot, slot));
        self.0.insert(0, (slot, slot, to));
    }

    /// All masters, each once.
    pub(super) fn masters(&self) -> Vec<NodeAddress> {
        let mut masters: Vec<_> = self.0.iter().map(|(_, _, address)| address.clone()).collect();
        masters.sort();
        masters.dedup();
        masters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot_of("foo"), 12_182);
        assert_eq!(slot_of("cowrite:{foo}:log"), slot_of("foo"));
        assert_eq!(slot_of("a{}b"), crc16(b"a{}b") % SLOTS);
        assert_eq!(slot_of("x{a}{b}"), slot_of("a"));
    }
}
