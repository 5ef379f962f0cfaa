//! What must never be false, numbered. One list for the core's assertions, the property tests, recovery, the
//! audit's verification and the metric `kaowei_invariant_breaches_total{invariant}`.

use std::fmt;

/// A statement that holds in every state that the engine can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Invariant {
    /// I1 (R14): `held + paid` is at most the capacity, unless the pool is draining.
    NeverOversold,
    /// I2 (R20): the one promoted is the head of the queue.
    FirstInFirstOut,
    /// I3 (R21): no seat lies free while somebody waits in an open pool inside its promotion time.
    NoSeatIdleWhileWaiting,
    /// I4 (R12): a candidate has at most one active claim for each paper and level.
    OneClaimPerLevel,
    /// I5 (R13): an active oral claim has a held or paid written claim of its level.
    OralNeedsWritten,
    /// I6 (R35): sequence numbers of a stream have no gap and every hash follows from the one before.
    ChainUnbroken,
    /// I7: counters agree with the claims they count.
    CountersAgree,
    /// I8: the tables say what the journal says.
    TablesEqualJournal,
    /// I9 (R3): a student record is bound to at most one account.
    RecordBoundOnce,
    /// I10: an event fits the state that it is applied to.
    EventFitsState,
    /// I11 (R28): what was received for an order is settled in seats, refunded, or on its way to one of both.
    MoneyAccounted,
    /// I12 (R27): a held seat is neither given up nor given away while an order is attached to it.
    OrderedSeatStays,
}

impl Invariant {
    /// All of them, in order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::NeverOversold,
        Self::FirstInFirstOut,
        Self::NoSeatIdleWhileWaiting,
        Self::OneClaimPerLevel,
        Self::OralNeedsWritten,
        Self::ChainUnbroken,
        Self::CountersAgree,
        Self::TablesEqualJournal,
        Self::RecordBoundOnce,
        Self::EventFitsState,
        Self::MoneyAccounted,
        Self::OrderedSeatStays,
    ];

    /// Its number and name, as metrics and logs show it.
    pub fn label(self) -> &'static str {
        match self {
            Self::NeverOversold => "I1_never_oversold",
            Self::FirstInFirstOut => "I2_first_in_first_out",
            Self::NoSeatIdleWhileWaiting => "I3_no_seat_idle_while_waiting",
            Self::OneClaimPerLevel => "I4_one_claim_per_level",
            Self::OralNeedsWritten => "I5_oral_needs_written",
            Self::ChainUnbroken => "I6_chain_unbroken",
            Self::CountersAgree => "I7_counters_agree",
            Self::TablesEqualJournal => "I8_tables_equal_journal",
            Self::RecordBoundOnce => "I9_record_bound_once",
            Self::EventFitsState => "I10_event_fits_state",
            Self::MoneyAccounted => "I11_money_accounted",
            Self::OrderedSeatStays => "I12_ordered_seat_stays",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// An invariant that was found broken, with what was seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invariant {invariant} is broken: {evidence}")]
pub struct Breach {
    /// Which.
    pub invariant: Invariant,
    /// What was seen, without personal data.
    pub evidence: String,
}
