//! How events are stored: a kind and a JSON payload with its version `v`.
//!
//! A new version of a kind gets a new struct that reads the old payloads too: old journals stay readable.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// An idempotency key as an event remembers it: hashes only, since a client may write anything into a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeyNote {
    /// Which of the candidate's 32 places it takes.
    pub slot: u8,
    /// A hash of the key.
    #[serde(with = "hex_u128")]
    pub key: u128,
    /// A hash of the operation and body that it came with.
    #[serde(with = "hex_u128")]
    pub body: u128,
}

mod hex_u128 {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(value: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map_err(de::Error::custom)
    }
}

/// Declares an enum of events with the form in which each is stored.
macro_rules! events {
    ($(#[doc = $enum_doc:literal])* pub enum $Event:ident;
    $( #[doc = $doc:literal] $variant:ident = $kind:literal {
        $( #[doc = $field_doc:literal] $(#[serde($($serde:tt)*)])? $field:ident : $type:ty ),* $(,)?
    } )*) => {
        $(#[doc = $enum_doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $Event {
            $( #[doc = $doc] $variant { $( #[doc = $field_doc] $field: $type ),* }, )*
        }

        /// The payloads as they are stored, one struct a kind.
        mod payload {
            use super::*;
            use serde::{Deserialize, Serialize};
            $(
                #[derive(Serialize, Deserialize)]
                pub(super) struct $variant {
                    pub(super) v: u8,
                    $( $(#[serde($($serde)*)])? pub(super) $field: $type, )*
                }
            )*
        }

        impl $Event {
            /// Its kind, as the journal stores it.
            pub fn kind(&self) -> &'static str {
                match self { $( Self::$variant { .. } => $kind, )* }
            }

            /// Its payload as JSON.
            ///
            /// # Errors
            /// None in practice: every field has a JSON form.
            pub fn payload(&self) -> Result<String, serde_json::Error> {
                match self.clone() {
                    $( Self::$variant { $($field),* } => {
                        serde_json::to_string(&payload::$variant { v: 1, $($field),* })
                    } )*
                }
            }

            /// Reads an event back from its kind and payload.
            ///
            /// # Errors
            /// An error for a kind or version that this release does not know, or a damaged payload.
            pub fn read(kind: &str, payload: &str) -> Result<Self, $crate::stored::InvalidEvent> {
                match kind {
                    $( $kind => {
                        let stored: payload::$variant = $crate::stored::read(kind, payload)?;
                        if stored.v != 1 {
                            return Err($crate::stored::InvalidEvent::Version { kind: kind.into(), version: stored.v });
                        }
                        Ok(Self::$variant { $( $field: stored.$field ),* })
                    } )*
                    _ => Err($crate::stored::InvalidEvent::Kind(kind.into())),
                }
            }
        }
    };
}

pub(crate) use events;

pub(crate) fn read<T: DeserializeOwned>(kind: &str, payload: &str) -> Result<T, InvalidEvent> {
    serde_json::from_str(payload).map_err(|error| InvalidEvent::Payload {
        kind: kind.into(),
        error,
    })
}

/// Why a stored event can't be read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEvent {
    /// Written by a newer release.
    #[error("event kind {0:?} is unknown: it was written by a newer release of kaowei; start that one")]
    Kind(String),
    /// Written by a newer release.
    #[error(
        "version {version} of event kind {kind:?} is unknown: it was written by a newer release of kaowei"
    )]
    Version {
        /// The kind.
        kind: String,
        /// The version.
        version: u8,
    },
    /// Damaged.
    #[error("the payload of an event of kind {kind:?} is damaged")]
    Payload {
        /// The kind.
        kind: String,
        /// What the reader said.
        #[source]
        error: serde_json::Error,
    },
}
