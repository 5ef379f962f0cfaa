//! The ids of the domain, each a type of its own, so that a campus can't be passed where a school is meant.
//!
//! Codes are short, upper-bounded and `Copy`: a pool's id is 24 bytes that no hot path ever allocates.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {what}: {expected}")]
pub struct InvalidId {
    what: &'static str,
    expected: &'static str,
    text: String,
}

impl InvalidId {
    pub(crate) fn new(what: &'static str, expected: &'static str, text: &str) -> Self {
        Self {
            what,
            expected,
            text: text.into(),
        }
    }
}

/// A code of at most `N` ASCII letters, digits or underscores, held inline.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Code<const N: usize> {
    bytes: [u8; N],
    len: u8,
}

impl<const N: usize> Code<N> {
    fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty()
            && text.len() <= N
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let mut bytes = [0; N];
        bytes
            .get_mut(..text.len())
            .filter(|_| fits)?
            .copy_from_slice(text.as_bytes());
        Some(Self {
            bytes,
            len: u8::try_from(text.len()).ok()?,
        })
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or("")
    }
}

macro_rules! code {
    ($(#[$doc:meta])* $name:ident, $length:literal, $what:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Code<$length>);

        impl $name {
            /// The most letters, digits and underscores that one has.
            pub const LENGTH_MAX: usize = $length;

            /// The code as it is written.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Code::parse(text).map(Self).ok_or_else(|| InvalidId { what: $what, expected: $expected, text: text.into() })
            }
        }

        as_text!($name);
    };
}

/// `Display`, `Debug` and serde by way of text, for types with `FromStr`.
macro_rules! as_text {
    (display $name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(stringify!($name))
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        as_text!(display $name);
    };
}

pub(crate) use as_text;

code!(
    /// A province, such as `99`: the natural cell, since no operation of a candidate crosses it.
    ProvinceCode, 7, "province code", "1 to 7 letters or digits, such as 99"
);
code!(
    /// A school, such as `99101`.
    SchoolCode, 11, "school code", "1 to 11 letters or digits, such as 99101"
);
code!(
    /// A campus, such as `991010`.
    CampusCode, 15, "campus code", "1 to 15 letters or digits, such as 991010"
);
code!(
    /// A subject of the catalogue, such as `1` (CET4) or `F` (CET-SET4).
    SubjectCode, 7, "subject code", "1 to 7 letters or digits, such as 1 or F"
);

/// The unit of leadership and of the journal: one province.
pub type Cell = ProvinceCode;

/// The cell of what belongs to no province: the sitting and its catalogue.
pub fn national_cell() -> Cell {
    ProvinceCode(Code {
        bytes: *b"all\0\0\0\0",
        len: 3,
    })
}

/// One pool of seats: a campus and a subject (the sitting is the store's). Written `991010-1`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolId {
    /// Where the exam is sat.
    pub campus: CampusCode,
    /// What is sat.
    pub subject: SubjectCode,
}

impl fmt::Display for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.campus, self.subject)
    }
}

impl FromStr for PoolId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let parts = text.split_once('-').and_then(|(campus, subject)| {
            Some(Self {
                campus: campus.parse().ok()?,
                subject: subject.parse().ok()?,
            })
        });
        parts.ok_or_else(|| InvalidId {
            what: "pool id",
            expected: "campus and subject, such as 991010-1",
            text: text.into(),
        })
    }
}

as_text!(display PoolId);

/// An account of a member of staff, the pseudonym by which events name them. Written `staff-17`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StaffAccountId(pub i64);

impl fmt::Display for StaffAccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "staff-{}", self.0)
    }
}

impl FromStr for StaffAccountId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let number = text
            .strip_prefix("staff-")
            .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0'));
        let number = number.and_then(|number| number.parse().ok());
        number.map(Self).ok_or_else(|| InvalidId {
            what: "staff account",
            expected: "staff and a number, such as staff-17",
            text: text.into(),
        })
    }
}

as_text!(display StaffAccountId);

/// The how-manieth claim of its pool this is, from 1. In order of acceptance, so it orders the queue too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimNumber(pub u32);

/// One order at a provider. Written as 16 hexadecimal digits, which every provider takes as an order's number.
///
/// The shell mints it, as random as it can, so that no order of an earlier sitting has it at the provider. 64 bits, so
/// that a paid claim can name its order and stay as small as a held one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(pub u64);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for OrderId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let number = u64::from_str_radix(text, 16).ok().map(Self);
        number
            .filter(|id| id.to_string() == text)
            .ok_or_else(|| InvalidId {
                what: "order id",
                expected: "an id that the server gave out, 16 hexadecimal digits",
                text: text.into(),
            })
    }
}

as_text!(display OrderId);

/// One refund: the how-manieth of its order, from 1. Written `00000000000000a1r1`; asking a provider for the same one
/// twice refunds once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefundId {
    /// The order whose money goes back.
    pub order: OrderId,
    /// Its number there.
    pub number: u32,
}

impl fmt::Display for RefundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}r{}", self.order, self.number)
    }
}

impl FromStr for RefundId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let parts = text.split_once('r').and_then(|(order, number)| {
            let (order, number) = (order.parse().ok()?, number.parse().ok()?);
            Some(Self { order, number })
        });
        parts
            .filter(|id| id.to_string() == text)
            .ok_or_else(|| InvalidId {
                what: "refund id",
                expected: "an id that the server gave out, such as 00000000000000a1r1",
                text: text.into(),
            })
    }
}

as_text!(display RefundId);

/// One candidate's place in one pool. Written `991010-1-17`; opaque to clients.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimId {
    /// The pool that decides about it.
    pub pool: PoolId,
    /// Its number there.
    pub number: ClaimNumber,
}

impl fmt::Display for ClaimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.pool, self.number.0)
    }
}

impl FromStr for ClaimId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let parts = text.rsplit_once('-').and_then(|(pool, number)| {
            let canonical = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
            let number = number.parse().ok().filter(|_| canonical)?;
            Some(Self {
                pool: pool.parse().ok()?,
                number: ClaimNumber(number),
            })
        });
        parts.ok_or_else(|| InvalidId {
            what: "claim id",
            expected: "an id that the server gave out, such as 991010-1-17",
            text: text.into(),
        })
    }
}

as_text!(display ClaimId);

/// A candidate's pseudonym: all that the journal ever knows of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CandidateId(pub i64);

impl fmt::Display for CandidateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for CandidateId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let id = text.parse().ok().map(Self);
        id.filter(|id| id.to_string() == text).ok_or_else(|| InvalidId {
            what: "candidate",
            expected: "an id that the server gave out, such as 17",
            text: text.into(),
        })
    }
}

/// A student record that a school imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId(pub i64);

/// The version of a student record, from 1; every edit that changes it makes the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordVersion(pub i32);

/// A place in a stream's sequence of events, from 1. Zero is "before the first".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The one after this.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Money in fen, a hundredth of a yuan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fen(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_as_they_were_written() {
        for text in ["991010-1", "991010-F", "A_1-SET4"] {
            assert_eq!(text.parse::<PoolId>().unwrap().to_string(), text);
        }
        let claim: ClaimId = "991010-1-17".parse().unwrap();
        assert_eq!(
            (claim.pool.to_string().as_str(), claim.number),
            ("991010-1", ClaimNumber(17))
        );
        assert_eq!(serde_json::to_string(&claim).unwrap(), "\"991010-1-17\"");
        assert_eq!(national_cell().as_str(), "all");
        let refund: RefundId = "00000000000000a1r12".parse().unwrap();
        assert_eq!((refund.order, refund.number), (OrderId(0xa1), 12));
        assert_eq!(refund.to_string(), "00000000000000a1r12");
    }

    #[test]
    fn what_is_not_an_id_is_refused_with_a_reason() {
        for text in [
            "",
            "991010",
            "-1",
            "991010-",
            "9910101234567890-1",
            "考-1",
            "991010-1-01",
            "991010-1-+1",
        ] {
            assert!(text.parse::<ClaimId>().is_err(), "{text}");
        }
        for text in ["", "a1", "00000000000000A1", "+0000000000000a1"] {
            assert!(text.parse::<OrderId>().is_err(), "{text}");
        }
        for text in ["00000000000000a1", "00000000000000a1r", "00000000000000a1r01"] {
            assert!(text.parse::<RefundId>().is_err(), "{text}");
        }
        assert!(
            "99 10-1"
                .parse::<PoolId>()
                .unwrap_err()
                .to_string()
                .contains("such as 991010-1")
        );
    }
}
