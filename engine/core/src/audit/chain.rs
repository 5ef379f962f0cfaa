//! One chain of hashes for each stream: a pool's, or a cell's for all that belongs to no pool (R35).
//!
//! The hash of an event is SHA-256 over the hash before it and the text of the event:
//! `previous (32 bytes) ‖ "{stream}\n{sequence}\n{kind}\n{at, unix ms}\n{payload}"`. Removing, changing or
//! reordering anything changes every hash after it.

use std::fmt;
use std::io::Write;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use crate::ids::Sequence;
use crate::invariant::{Breach, Invariant};
use crate::time::Moment;

/// A SHA-256 hash; 64 lower-case hex digits in text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 64];
        match hex::encode_to_slice(self.0, &mut text) {
            Ok(()) => f.write_str(std::str::from_utf8(&text).unwrap_or("")),
            Err(_) => Err(fmt::Error),
        }
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = hex::FromHexError;
    fn from_str(text: &str) -> Result<Self, hex::FromHexError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// The end of a chain: the last sequence number and the hash there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ChainHead {
    /// The last event's number; 0 when there is none.
    pub sequence: Sequence,
    /// The last event's hash; zeros when there is none.
    pub hash: Hash,
}

/// Where an event stands in its chain, and when it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seal {
    /// Its number.
    pub sequence: Sequence,
    /// Its hash.
    pub hash: Hash,
    /// Its instant.
    pub at: Moment,
}

/// What one event contributes to its chain.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The stream's name: a pool's id, or `cell:99`.
    pub stream: &'a str,
    /// Its kind.
    pub kind: &'a str,
    /// Its instant.
    pub at: Moment,
    /// Its payload, as it is stored.
    pub payload: &'a str,
}

impl ChainHead {
    /// Adds an event and says where it stands.
    pub fn append(&mut self, record: Record<'_>) -> Seal {
        let sequence = self.sequence.next();
        let hash = hash_of(self.hash, sequence, record);
        *self = Self { sequence, hash };
        Seal {
            sequence,
            hash,
            at: record.at,
        }
    }
}

fn hash_of(previous: Hash, sequence: Sequence, record: Record<'_>) -> Hash {
    let mut head = [0_u8; 128];
    let mut rest = &mut head[..];
    let written = write!(
        rest,
        "{}\n{}\n{}\n{}\n",
        record.stream,
        sequence.0,
        record.kind,
        record.at.unix_ms()
    );
    let mut hasher = Sha256::new_with_prefix(previous.0);
    match written {
        Ok(()) => {
            let unused = rest.len();
            hasher.update(&head[..head.len() - unused]);
        }
        // Streams and kinds are short by construction; an outsider's export may hold longer ones.
        Err(_) => hasher.update(format!(
            "{}\n{}\n{}\n{}\n",
            record.stream,
            sequence.0,
            record.kind,
            record.at.unix_ms()
        )),
    }
    hasher.update(record.payload);
    Hash(hasher.finalize().into())
}

/// Checks that an event is the next of its chain, and moves on.
///
/// # Errors
/// A [`Breach`] of [`Invariant::ChainUnbroken`] that names the stream and the sequence number.
pub fn verify(
    head: &mut ChainHead,
    record: Record<'_>,
    sequence: Sequence,
    hash: Hash,
) -> Result<Seal, Breach> {
    let breach = |evidence| Breach {
        invariant: Invariant::ChainUnbroken,
        evidence,
    };
    if record.stream.contains('\n') || record.kind.contains('\n') {
        // Else a part of the payload could be passed off as another kind or instant under the same hash.
        return Err(breach(format!(
            "a line break in the stream or kind of sequence {}",
            sequence.0
        )));
    }
    let expected = head.sequence.next();
    if sequence != expected {
        let (stream, expected) = (record.stream, expected.0);
        return Err(breach(format!(
            "{stream}: sequence {} where {expected} was expected",
            sequence.0
        )));
    }
    let mut next = *head;
    let seal = next.append(record);
    if seal.hash != hash {
        let stream = record.stream;
        return Err(breach(format!(
            "{stream}: the hash of sequence {} does not follow from the one before",
            sequence.0
        )));
    }
    *head = next;
    Ok(seal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(payload: &str) -> Record<'_> {
        Record {
            stream: "991010-1",
            kind: "claim_held",
            at: Moment::from_unix_ms(1_700_000_000_000),
            payload,
        }
    }

    #[test]
    fn r35_the_hash_is_sha256_over_the_previous_hash_and_the_event_s_text() {
        let mut head = ChainHead::default();
        let seal = head.append(record("{}"));
        let mut plain = vec![0; 32];
        plain.extend(b"991010-1\n1\nclaim_held\n1700000000000\n{}");
        assert_eq!(seal.hash.0, <[u8; 32]>::from(Sha256::digest(&plain)));
        assert_eq!(seal.sequence, Sequence(1));
    }

    #[test]
    fn r35_a_removed_changed_or_reordered_event_breaks_the_chain() {
        let mut head = ChainHead::default();
        let first = head.append(record("1"));
        let second = head.append(record("2"));

        let mut honest = ChainHead::default();
        verify(&mut honest, record("1"), first.sequence, first.hash).unwrap();
        verify(&mut honest, record("2"), second.sequence, second.hash).unwrap();

        let mut removed = ChainHead::default();
        assert!(verify(&mut removed, record("2"), second.sequence, second.hash).is_err());
        assert!(verify(&mut removed, record("2"), Sequence(1), second.hash).is_err());
        assert!(verify(&mut removed, record("changed"), first.sequence, first.hash).is_err());
        assert_eq!(removed, ChainHead::default(), "a refused event moves nothing");
    }

    #[test]
    fn r35_the_same_text_cut_elsewhere_is_not_the_same_event() {
        let mut head = ChainHead::default();
        let seal = head.append(record("7\nrest"));
        let forged = Record {
            kind: "claim_held\n1700000000000",
            at: Moment::from_unix_ms(7),
            ..record("rest")
        };
        assert_eq!(ChainHead::default().append(forged).hash, seal.hash);
        assert!(verify(&mut ChainHead::default(), forged, seal.sequence, seal.hash).is_err());
    }

    #[test]
    fn a_long_stream_name_hashes_by_the_same_rule() {
        let stream = "x".repeat(200);
        let record = Record {
            stream: &stream,
            kind: "k",
            at: Moment::from_unix_ms(1),
            payload: "p",
        };
        let mut plain = vec![0; 32];
        plain.extend(format!("{stream}\n1\nk\n1\np").bytes());
        assert_eq!(
            ChainHead::default().append(record).hash.0,
            <[u8; 32]>::from(Sha256::digest(&plain))
        );
    }
}
