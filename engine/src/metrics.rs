//! What the engine tells Prometheus: one list, one function for each thing that is counted.
//!
//! Labels never name a pool or a person: thirty thousand pools would be thirty thousand series. The busiest pools
//! are told apart by rank.

use std::sync::LazyLock;
use std::time::Duration;

use kaowei_core::invariant::Invariant;
use kaowei_core::notices::Notice;
use kaowei_core::payment;
use kaowei_core::time::Span;
use metrics::{Counter, Gauge, Histogram, Unit, counter, gauge, histogram};

use crate::payment::NotVerified;

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only ever rises.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

/// One metric, as it is described to Prometheus and in the documentation.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name, with its unit last.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its unit.
    pub unit: Unit,
    /// What it says, with its labels.
    pub help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident = $name:literal, $kind:ident, $unit:ident, $help:literal;)*) => {
        $(const $constant: &str = $name;)*

        /// All of the engine's metrics.
        pub const ALL: &[Metric] = &[
            $(Metric { name: $name, kind: Kind::$kind, unit: Unit::$unit, help: $help },)*
        ];
    };
}

metrics! {
    CLAIMS = "kaowei_claims_total", Counter, Count, "Claims answered, by outcome: held, waiting, repeated, refused, failed, overloaded.";
    CLAIM_SECONDS = "kaowei_claim_duration_seconds", Histogram, Seconds, "From a claim's arrival at the engine to its durable answer.";
    BATCH_SIZE = "kaowei_journal_batch_size", Histogram, Count, "Events in one transaction of the journal.";
    COMMIT_SECONDS = "kaowei_journal_commit_seconds", Histogram, Seconds, "How long one transaction of the journal took, commit included.";
    EVENTS = "kaowei_journal_events_total", Counter, Count, "Events committed to the journal.";
    POISONOUS = "kaowei_journal_poisonous_events_total", Counter, Count, "Events that the store refused for certain; each is dropped with its evidence in the log.";
    FAIL_STOPS = "kaowei_journal_fail_stops_total", Counter, Count, "Times that the journal stopped and everything was read again: after a commit of unknown outcome, or a panic.";
    MAILBOX_DEPTH = "kaowei_pool_mailbox_depth", Gauge, Count, "Commands that wait in the mailboxes of the busiest pools, by rank (1 is the busiest).";
    PANICS = "kaowei_actor_panics_total", Counter, Count, "Pool actors that panicked and were rebuilt.";
    POOLS = "kaowei_pools", Gauge, Count, "Pools.";
    HOLDS = "kaowei_seats_held", Gauge, Count, "Seats held, unpaid.";
    PAID = "kaowei_seats_paid", Gauge, Count, "Seats paid.";
    CAPACITY = "kaowei_seats_capacity", Gauge, Count, "Seats there are.";
    WAITING = "kaowei_claims_waiting", Gauge, Count, "Claims that wait in queues.";
    CANDIDATES = "kaowei_candidates", Gauge, Count, "Candidates held in memory.";
    EXPIRIES = "kaowei_expiries_total", Counter, Count, "Holds whose deadline passed unpaid.";
    PROMOTIONS = "kaowei_promotions_total", Counter, Count, "Waiting claims that got a seat.";
    LAPSES = "kaowei_lapses_total", Counter, Count, "Waiting claims for which promotions ended.";
    CHECKPOINT_LAG = "kaowei_checkpoint_lag_events", Gauge, Count, "Committed events that the tables do not show yet.";
    CHECKPOINT_SECONDS = "kaowei_checkpoint_seconds", Histogram, Seconds, "How long the tables took to take over a slice of events.";
    CHECKPOINT_STUCK = "kaowei_checkpoint_stuck_cells", Gauge, Count, "Cells whose tables have stopped before an event that they refuse, with its evidence in the log. Anything but 0 is a fault of ours.";
    RECOVERY_SECONDS = "kaowei_recovery_seconds", Gauge, Seconds, "How long the latest recovery took.";
    EXPIRY_SUSPENDED = "kaowei_expiry_suspended", Gauge, Count, "1 while expiry is suspended because the clocks disagree; operators resume it.";
    BREACHES = "kaowei_invariant_breaches_total", Counter, Count, "Invariants found broken, by invariant. Anything but 0 is a fault of ours.";
    LOGINS = "kaowei_logins_total", Counter, Count, "Logins answered, candidates' and staff's, by outcome: opened, refused, overloaded, failed.";
    PASSWORD_SECONDS = "kaowei_password_hash_seconds", Histogram, Seconds, "How long hashing one password took.";
    COSTLY_SHED = "kaowei_costly_work_shed_total", Counter, Count, "Password hashes and captchas that were shed because too many waited.";
    NOTICES = "kaowei_notices_total", Counter, Count, "Notices to candidates, by kind: promoted, deadline_near, expired, paid, review_decided, refund_due, refunded.";
    STREAMS = "kaowei_event_streams", Gauge, Count, "Streams of events that are followed.";
    STREAMS_CUT = "kaowei_event_streams_cut_total", Counter, Count, "Times that a stream's reader was too slow and was told to read everything anew.";
    OUTBOX_LAG = "kaowei_outbox_lag_seconds", Gauge, Seconds, "Age of the oldest notice that the webhook has not taken; 0 where there is none, or no webhook.";
    OUTBOX_ASIDE = "kaowei_outbox_messages", Gauge, Count, "Messages that are sent one by one: codes, and notices that the webhook refused while it took others.";
    OUTBOX_SENT = "kaowei_outbox_deliveries_total", Counter, Count, "Tries to hand a notice or message to the webhook, by outcome: taken, refused, failed.";
    OUTBOX_GIVEN_UP = "kaowei_outbox_given_up_total", Counter, Count, "Messages that the webhook did not take before their time was over.";
    ORDERS = "kaowei_orders_total", Counter, Count, "Orders, by what happened to them: opened, paid, closed.";
    REFUNDS = "kaowei_refunds_total", Counter, Count, "Refunds, by what happened to them: due, failed, done.";
    UNRESOLVED = "kaowei_orders_unresolved", Gauge, Count, "Orders that can still be paid, or whose money is on its way.";
    REFUNDS_STUCK = "kaowei_refunds_failing", Gauge, Count, "Refunds that have failed and are tried again.";
    SETTLING = "kaowei_claims_settling", Gauge, Count, "Holds whose deadline has passed, or whose end was asked, while an order for them is open.";
    SETTLING_SECONDS = "kaowei_claims_settling_oldest_seconds", Gauge, Seconds, "For how long the oldest of them has been settling.";
    PROVIDER_CALLS = "kaowei_provider_calls_total", Counter, Count, "Questions to payment providers, by verb and outcome: answered, unanswered.";
    PROVIDER_SECONDS = "kaowei_provider_call_seconds", Histogram, Seconds, "How long a payment provider took to answer.";
    NOTIFICATIONS = "kaowei_notifications_total", Counter, Count, "Notifications of payment providers, by outcome: taken, forged, stale, foreign, unreadable, failed.";
    IN_FLIGHT = "kaowei_claims_in_flight", Gauge, Count, "Claims that are being decided.";
}

static CLAIM_HELD: LazyLock<Counter> = LazyLock::new(|| counter!(CLAIMS, "outcome" => "held"));
static CLAIM_WAITING: LazyLock<Counter> = LazyLock::new(|| counter!(CLAIMS, "outcome" => "waiting"));
static CLAIM_REPEATED: LazyLock<Counter> = LazyLock::new(|| counter!(CLAIMS, "outcome" => "repeated"));
static CLAIM_REFUSED: LazyLock<Counter> = LazyLock::new(|| counter!(CLAIMS, "outcome" => "refused"));
static CLAIM_FAILED: LazyLock<Counter> = LazyLock::new(|| counter!(CLAIMS, "outcome" => "failed"));
static CLAIM_OVERLOADED: LazyLock<Counter> = LazyLock::new(|| counter!(CLAIMS, "outcome" => "overloaded"));
static CLAIM_TIME: LazyLock<Histogram> = LazyLock::new(|| histogram!(CLAIM_SECONDS));
static BATCHES: LazyLock<Histogram> = LazyLock::new(|| histogram!(BATCH_SIZE));
static COMMITS: LazyLock<Histogram> = LazyLock::new(|| histogram!(COMMIT_SECONDS));
static COMMITTED: LazyLock<Counter> = LazyLock::new(|| counter!(EVENTS));
static EXPIRED: LazyLock<Counter> = LazyLock::new(|| counter!(EXPIRIES));
static PROMOTED: LazyLock<Counter> = LazyLock::new(|| counter!(PROMOTIONS));
static LAPSED: LazyLock<Counter> = LazyLock::new(|| counter!(LAPSES));
static LAG: LazyLock<Gauge> = LazyLock::new(|| gauge!(CHECKPOINT_LAG));

/// Describes all metrics to the recorder, and makes those that should read 0 from the start. The recorder must be
/// installed before.
pub fn describe() {
    for metric in ALL {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.unit, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.unit, metric.help),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.unit, metric.help),
        }
    }
    for invariant in Invariant::ALL {
        counter!(BREACHES, "invariant" => invariant.label()).absolute(0);
    }
    for outcome in LoginOutcome::ALL {
        counter!(LOGINS, "outcome" => outcome.label()).absolute(0);
    }
    for name in [
        POISONOUS,
        FAIL_STOPS,
        PANICS,
        COSTLY_SHED,
        STREAMS_CUT,
        OUTBOX_GIVEN_UP,
    ] {
        counter!(name).absolute(0);
    }
    for zero in [
        &CLAIM_HELD,
        &CLAIM_WAITING,
        &CLAIM_REPEATED,
        &CLAIM_REFUSED,
        &CLAIM_FAILED,
        &CLAIM_OVERLOADED,
        &EXPIRED,
        &PROMOTED,
        &LAPSED,
    ] {
        zero.absolute(0);
    }
    for (name, label, values) in [
        (ORDERS, "event", &["opened", "paid", "closed"][..]),
        (REFUNDS, "event", &["due", "failed", "done"]),
        (NOTIFICATIONS, "outcome", &["taken", "failed"]),
    ] {
        for value in values {
            counter!(name, label => *value).absolute(0);
        }
    }
    for refused in NotVerified::ALL {
        counter!(NOTIFICATIONS, "outcome" => refused.label()).absolute(0);
    }
    gauge!(EXPIRY_SUSPENDED).set(0);
    for kind in Notice::KINDS {
        counter!(NOTICES, "kind" => kind).absolute(0);
    }
    for outcome in [Delivery::Taken, Delivery::Refused, Delivery::Failed] {
        counter!(OUTBOX_SENT, "outcome" => outcome.label()).absolute(0);
    }
    for name in [STREAMS, OUTBOX_LAG, OUTBOX_ASIDE] {
        gauge!(name).set(0);
    }
}

/// Something happened to an order, or to a refund of it.
pub(crate) fn order_happened(event: &payment::Event) {
    let (name, what) = match event {
        payment::Event::OrderOpened { .. } => (ORDERS, "opened"),
        payment::Event::OrderPaid { .. } => (ORDERS, "paid"),
        payment::Event::OrderClosed { .. } => (ORDERS, "closed"),
        payment::Event::RefundDue { .. } => (REFUNDS, "due"),
        payment::Event::RefundFailed { .. } => (REFUNDS, "failed"),
        payment::Event::RefundDone { .. } => (REFUNDS, "done"),
        payment::Event::OrderKeyRemembered { .. }
        | payment::Event::OrderPlaced { .. }
        | payment::Event::OrderPayable { .. }
        | payment::Event::OrderClosing { .. }
        | payment::Event::OrderReleased { .. }
        | payment::Event::OrderSettled { .. }
        | payment::Event::RefundAsked { .. }
        | payment::Event::RefundSent { .. } => return,
    };
    counter!(name, "event" => what).increment(1);
}

/// A provider was asked.
pub(crate) fn provider_asked(verb: &'static str, answered: bool, took: Duration) {
    let outcome = if answered { "answered" } else { "unanswered" };
    counter!(PROVIDER_CALLS, "verb" => verb, "outcome" => outcome).increment(1);
    histogram!(PROVIDER_SECONDS).record(took);
}

/// A notification came.
pub(crate) fn notified(outcome: &'static str) {
    counter!(NOTIFICATIONS, "outcome" => outcome).increment(1);
}

/// How a claim was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClaimOutcome {
    Held,
    Waiting,
    Repeated,
    Refused,
    Failed,
    Overloaded,
}

pub(crate) fn claim_answered(outcome: ClaimOutcome, took: Duration) {
    let counter: &Counter = match outcome {
        ClaimOutcome::Held => &CLAIM_HELD,
        ClaimOutcome::Waiting => &CLAIM_WAITING,
        ClaimOutcome::Repeated => &CLAIM_REPEATED,
        ClaimOutcome::Refused => &CLAIM_REFUSED,
        ClaimOutcome::Failed => &CLAIM_FAILED,
        ClaimOutcome::Overloaded => &CLAIM_OVERLOADED,
    };
    counter.increment(1);
    CLAIM_TIME.record(took);
}

/// How a login was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginOutcome {
    Opened,
    Refused,
    Overloaded,
    Failed,
}

impl LoginOutcome {
    const ALL: [Self; 4] = [Self::Opened, Self::Refused, Self::Overloaded, Self::Failed];

    fn label(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Refused => "refused",
            Self::Overloaded => "overloaded",
            Self::Failed => "failed",
        }
    }
}

pub(crate) fn login_answered(outcome: LoginOutcome) {
    counter!(LOGINS, "outcome" => outcome.label()).increment(1);
}

pub(crate) fn password_hashed(took: Duration) {
    histogram!(PASSWORD_SECONDS).record(took);
}

pub(crate) fn costly_work_shed() {
    counter!(COSTLY_SHED).increment(1);
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a histogram takes floats; batches are far below 2^52"
)]
pub(crate) fn batch_committed(events: usize, took: Duration) {
    BATCHES.record(events as f64);
    COMMITTED.increment(events as u64);
    COMMITS.record(took);
}

pub(crate) fn poisonous_event() {
    counter!(POISONOUS).increment(1);
}

pub(crate) fn fail_stop() {
    counter!(FAIL_STOPS).increment(1);
}

pub(crate) fn actor_panicked() {
    counter!(PANICS).increment(1);
}

pub(crate) fn expired() {
    EXPIRED.increment(1);
}

pub(crate) fn promoted() {
    PROMOTED.increment(1);
}

pub(crate) fn lapsed() {
    LAPSED.increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a gauge takes floats")]
pub(crate) fn checkpoint_lag(events: i64) {
    LAG.set(events as f64);
}

#[expect(clippy::cast_precision_loss, reason = "a gauge takes floats")]
pub(crate) fn checkpoint_stuck(cells: usize) {
    gauge!(CHECKPOINT_STUCK).set(cells as f64);
}

pub(crate) fn checkpoint_took(took: Duration) {
    histogram!(CHECKPOINT_SECONDS).record(took);
}

pub(crate) fn recovery_took(took: Duration) {
    gauge!(RECOVERY_SECONDS).set(took.as_secs_f64());
}

pub(crate) fn expiry_suspended(suspended: bool) {
    gauge!(EXPIRY_SUSPENDED).set(if suspended { 1.0 } else { 0.0 });
}

pub(crate) fn invariant_breached(invariant: Invariant) {
    counter!(BREACHES, "invariant" => invariant.label()).increment(1);
}

pub(crate) fn noticed(notice: &Notice) {
    counter!(NOTICES, "kind" => notice.kind()).increment(1);
}

/// One more stream is followed, or one less.
pub fn stream_followed(more: bool) {
    if more {
        gauge!(STREAMS).increment(1);
    } else {
        gauge!(STREAMS).decrement(1);
    }
}

pub(crate) fn stream_cut() {
    counter!(STREAMS_CUT).increment(1);
}

/// What became of one try to hand something to the webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It was taken.
    Taken,
    /// The receiver does not want this one.
    Refused,
    /// The receiver can't be reached, or can't take anything now.
    Failed,
}

impl Delivery {
    fn label(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

pub(crate) fn delivered(delivery: Delivery) {
    counter!(OUTBOX_SENT, "outcome" => delivery.label()).increment(1);
}

pub(crate) fn outbox(lag: Span, aside: u64) {
    gauge!(OUTBOX_LAG).set(lag.to_std().as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "a gauge takes floats")]
    gauge!(OUTBOX_ASIDE).set(aside as f64);
}

pub(crate) fn given_up(messages: u64) {
    counter!(OUTBOX_GIVEN_UP).increment(messages);
}

/// Sums over all pools, looked at every few seconds.
#[derive(Debug, Default, Clone)]
pub(crate) struct Totals {
    pub(crate) pools: u64,
    pub(crate) capacity: u64,
    pub(crate) held: u64,
    pub(crate) paid: u64,
    pub(crate) waiting: u64,
    pub(crate) candidates: u64,
    pub(crate) in_flight: u64,
    pub(crate) payment: PaymentTotals,
    /// The deepest mailboxes, deepest first.
    pub(crate) depths: Vec<u32>,
}

/// Sums over the orders that are worked on.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct PaymentTotals {
    pub(crate) unresolved: u64,
    pub(crate) failing: u64,
    pub(crate) settling: u64,
    pub(crate) settling_for: Duration,
}

/// How many of the deepest mailboxes are told.
const RANKS: [&str; 5] = ["1", "2", "3", "4", "5"];

#[expect(clippy::cast_precision_loss, reason = "gauges take floats")]
pub(crate) fn totals(totals: &Totals) {
    for (name, value) in [
        (POOLS, totals.pools),
        (CAPACITY, totals.capacity),
        (HOLDS, totals.held),
        (PAID, totals.paid),
        (WAITING, totals.waiting),
        (CANDIDATES, totals.candidates),
        (IN_FLIGHT, totals.in_flight),
        (UNRESOLVED, totals.payment.unresolved),
        (REFUNDS_STUCK, totals.payment.failing),
        (SETTLING, totals.payment.settling),
    ] {
        gauge!(name).set(value as f64);
    }
    gauge!(SETTLING_SECONDS).set(totals.payment.settling_for.as_secs_f64());
    for (rank, depth) in RANKS
        .iter()
        .zip(totals.depths.iter().chain(std::iter::repeat(&0)))
    {
        gauge!(MAILBOX_DEPTH, "rank" => *rank).set(*depth);
    }
}
