//! The exported audit trail, believed nothing: the chain of every stream, the positions of every cell, and that all
//! which candidates were told is in it.

use std::collections::{BTreeSet, HashMap, HashSet};

use kaowei_core::audit::{ChainHead, Record, verify as verify_next};
use kaowei_core::ids::Sequence;
use kaowei_core::time::Moment;
use serde_json::Value;

/// What a client was told: at that place of that pool's chain there is that hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Fact {
    pool: String,
    sequence: u64,
    hash: String,
}

impl Fact {
    /// Gathers the facts of every claim within an answer.
    pub(super) fn gather(answer: &Value, facts: &mut BTreeSet<Self>) {
        match answer {
            Value::Array(items) => items.iter().for_each(|item| Self::gather(item, facts)),
            Value::Object(members) => {
                for (sequence, hash) in [("seq", "chain_hash"), ("state_seq", "state_hash")] {
                    facts.extend(Self::of(answer, sequence, hash));
                }
                members.values().for_each(|member| Self::gather(member, facts));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn of(claim: &Value, sequence: &str, hash: &str) -> Option<Self> {
        Some(Self {
            pool: claim["pool"].as_str()?.into(),
            sequence: claim[sequence].as_u64()?,
            hash: claim[hash].as_str()?.into(),
        })
    }
}

/// Verifies an export.
pub(super) fn verify(export: &str, told: &[Fact]) {
    let mut reader = csv::Reader::from_reader(export.as_bytes());
    let columns = reader.headers().expect("the export has a header").clone();
    let names = [
        "cell", "position", "stream", "sequence", "kind", "at", "payload", "hash",
    ];
    assert_eq!(columns, csv::StringRecord::from(names.to_vec()));
    let mut heads: HashMap<String, ChainHead> = HashMap::new();
    let mut positions: HashMap<String, i64> = HashMap::new();
    let mut stored = HashSet::new();
    for line in reader.into_records() {
        let line = line.expect("the export is CSV");
        let number = |cell: &str| cell.parse::<i64>().expect("a number");
        let position = number(&line[1]);
        let before = positions.insert(line[0].into(), position).unwrap_or(0);
        assert_eq!(position, before + 1, "positions of cell {} have a gap", &line[0]);
        let record = Record {
            stream: &line[2],
            kind: &line[4],
            at: Moment::from_unix_ms(number(&line[5])),
            payload: &line[6],
        };
        let sequence: u64 = line[3].parse().expect("a sequence number");
        let hash = line[7].parse().expect("a hash");
        let head = heads.entry(line[2].into()).or_default();
        verify_next(head, record, Sequence(sequence), hash).expect("the chain holds");
        stored.insert(Fact {
            pool: line[2].into(),
            sequence,
            hash: line[7].into(),
        });
    }
    for fact in told {
        assert!(
            stored.contains(fact),
            "a candidate was told {fact:?}, which is not in the trail"
        );
    }
}
