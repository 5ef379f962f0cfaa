//! The events of a pool as its audit records tell them, as far as seats and queue are concerned.
//!
//! Promises: a kind unknown here is [`Event::Other`], which counts in sequence and chain and changes no seat; a
//! kind known here without the fields it needs is an error.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What happened to a pool or to one of its claims; claims by their number within the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event<'a> {
    Created {
        capacity: u64,
        open: bool,
    },
    CapacitySet {
        capacity: u64,
        draining: bool,
    },
    Opened,
    Closed,
    Held {
        claim: u32,
        candidate: &'a str,
    },
    Queued {
        claim: u32,
        candidate: &'a str,
    },
    Promoted {
        claim: u32,
    },
    Ended {
        claim: u32,
        how: Ending,
    },
    Paid {
        claim: u32,
        order: Option<&'a str>,
    },
    /// Something about a claim that leaves it in its state.
    Noted {
        claim: u32,
    },
    Other,
}

/// How a claim came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Cancelled,
    Withdrawn,
    Expired,
    Removed,
    Lapsed,
    Refunded,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    claim: Option<&'a RawValue>,
    #[serde(borrow)]
    candidate: Option<&'a RawValue>,
    capacity: Option<u64>,
    open: Option<bool>,
    draining: Option<bool>,
    #[serde(borrow)]
    order: Option<&'a RawValue>,
}

impl<'a> Event<'a> {
    /// Reads an event from an audit record; tells the field that is missing or malformed.
    pub(super) fn read(kind: &str, payload: &'a str) -> Result<Self, &'static str> {
        if !is_known(kind) {
            return Ok(Self::Other);
        }
        let payload: Payload = serde_json::from_str(payload).map_err(|_| "payload")?;
        let claim = || payload.claim.and_then(claim_number).ok_or("claim");
        let candidate = || payload.candidate.map(bare).ok_or("candidate");
        let ended = |how| claim().map(|claim| Self::Ended { claim, how });
        Ok(match kind {
            "pool_created" => Self::Created {
                capacity: payload.capacity.ok_or("capacity")?,
                open: payload.open.unwrap_or(true),
            },
            "capacity_set" => Self::CapacitySet {
                capacity: payload.capacity.ok_or("capacity")?,
                draining: payload.draining.unwrap_or(false),
            },
            "pool_opened" => Self::Opened,
            "pool_closed" => Self::Closed,
            "claim_held" => Self::Held {
                claim: claim()?,
                candidate: candidate()?,
            },
            "claim_queued" => Self::Queued {
                claim: claim()?,
                candidate: candidate()?,
            },
            "claim_promoted" => Self::Promoted { claim: claim()? },
            "claim_cancelled" => ended(Ending::Cancelled)?,
            "claim_withdrawn" => ended(Ending::Withdrawn)?,
            "claim_expired" => ended(Ending::Expired)?,
            "claim_removed" => ended(Ending::Removed)?,
            "claim_lapsed" => ended(Ending::Lapsed)?,
            "claim_refunded" => ended(Ending::Refunded)?,
            "claim_paid" => Self::Paid {
                claim: claim()?,
                order: payload.order.map(bare),
            },
            "deadline_extended" | "order_attached" | "order_detached" | "cancellation_asked"
            | "removal_asked" => Self::Noted { claim: claim()? },
            _ => Self::Other,
        })
    }
}

fn is_known(kind: &str) -> bool {
    kind.starts_with("claim_")
        || kind.starts_with("pool_")
        || matches!(
            kind,
            "capacity_set"
                | "deadline_extended"
                | "order_attached"
                | "order_detached"
                | "cancellation_asked"
                | "removal_asked"
        )
}

/// A claim's number, given as a number, as text, or as the whole id.
fn claim_number(value: &RawValue) -> Option<u32> {
    bare(value).rsplit('-').next()?.parse().ok()
}

/// A JSON scalar without its quotes (pseudonyms need no escapes).
fn bare(value: &RawValue) -> &str {
    value.get().trim_matches('"')
}
