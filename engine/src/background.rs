//! What goes on beside the actors while an incarnation lives: the checkpoint, the heartbeat, the end of enrolments.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kaowei_core::ids::CandidateId;
use kaowei_core::payment::RefundState;
use kaowei_core::registration::Event;
use kaowei_core::seats::{By, Expiry};
use kaowei_core::time::{Moment, Span};

use crate::engine::{Inner, watch_clock};
use crate::fail_points::{FailPoint, pass};
use crate::failure::OpenError;
use crate::incarnation::Incarnation;
use crate::journal::{Entry, Happened};
use crate::low_priority::step_back;
use crate::metrics::{self, PaymentTotals, Totals};
use crate::store::Db;
use crate::tables::Checkpoint;

/// How often the clocks are compared.
const TICK: Duration = Duration::from_secs(1);

/// A heartbeat every so many ticks: an outage is told from the last one (1.4).
const HEARTBEAT_TICKS: u32 = 10;

/// Sums over all pools every so many ticks.
const TOTALS_TICKS: u32 = 5;

/// Starts the checkpoint. On SQLite it has a thread of its own, which steps back where cores are short, and so have its
/// connections. One to a database lives no longer than the runtime it was made in, so there the checkpoint shares the
/// server's.
pub(crate) fn start_checkpoint(engine: Arc<Inner>, incarnation: Arc<Incarnation>) -> std::io::Result<()> {
    const WHAT: &str = "the checkpoint";
    let is_database = matches!(engine.store.checkpoint.tables, Db::Postgres(_));
    let work = checkpoint(engine, incarnation.clone());
    if is_database {
        incarnation.run(WHAT, work);
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("checkpoint".into())
        .spawn(move || {
            step_back(WHAT);
            runtime.block_on(incarnation.guard(WHAT, work));
        })?;
    Ok(())
}

/// Brings the tables up to the journal, again and again.
async fn checkpoint(engine: Arc<Inner>, incarnation: Arc<Incarnation>) {
    let mut opened = None;
    while !incarnation.is_over() {
        let started = Instant::now();
        match step(&engine, opened.take()).await {
            Ok((checkpoint, 0)) => {
                opened = Some(checkpoint);
                tokio::time::timeout(TICK, incarnation.checkpoint_wanted.notified())
                    .await
                    .ok();
            }
            Ok((checkpoint, _)) => {
                let rest = checkpoint.rest(started.elapsed());
                opened = Some(checkpoint);
                tokio::select! {
                    () = tokio::time::sleep(rest) => {}
                    () = incarnation.hurry.notified() => {}
                }
            }
            // The store is being closed: what the tables lack is in the journal.
            Err(error) if incarnation.is_closing() || incarnation.is_over() => {
                tracing::debug!(%error, "the checkpoint ended with its store");
                return;
            }
            Err(error) => {
                // Opened anew: what is stored counts, not what was remembered of it.
                tracing::warn!(%error, "the tables did not take over a slice; it is tried again");
                tokio::time::sleep(TICK).await;
            }
        }
    }
}

/// Takes over the next slice; how many events were in it.
async fn step(engine: &Inner, opened: Option<Checkpoint>) -> Result<(Checkpoint, usize), OpenError> {
    let mut checkpoint = match opened {
        Some(checkpoint) => checkpoint,
        None => Checkpoint::open(engine.store.clone(), engine.checkpointed.clone()).await?,
    };
    let taken = checkpoint.step().await?;
    Ok((checkpoint, taken))
}

/// Compares the clocks, gives a sign of life, sums up.
pub(crate) async fn tick(engine: Arc<Inner>, incarnation: Arc<Incarnation>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut count: u32 = 0;
    while !incarnation.is_over() {
        ticks.tick().await;
        watch_clock(&incarnation);
        if count.is_multiple_of(HEARTBEAT_TICKS) {
            incarnation.hand_over(Entry {
                happened: Happened::Heartbeat,
                then: Box::new(|_, _| {}),
            });
        }
        if count.is_multiple_of(TOTALS_TICKS) {
            metrics::totals(&totals(&engine, &incarnation));
            let progress = engine.checkpointed.borrow().clone();
            incarnation
                .feed
                .forget(|id| id.position <= progress.position(id.cell.as_str()));
        }
        count = count.wrapping_add(1);
    }
}

fn totals(engine: &Inner, incarnation: &Incarnation) -> Totals {
    let in_flight = engine
        .settings
        .claims_in_flight_max
        .saturating_sub(engine.door.available_permits());
    let mut totals = Totals {
        candidates: incarnation.candidate_count() as u64,
        in_flight: in_flight as u64,
        ..Totals::default()
    };
    let mut depths = Vec::new();
    for pool in incarnation.all_pools() {
        let numbers = pool.numbers();
        totals.pools += 1;
        totals.capacity += u64::from(numbers.capacity);
        totals.held += u64::from(numbers.held);
        totals.paid += u64::from(numbers.paid);
        totals.waiting += u64::from(numbers.waiting);
        depths.push(pool.depth());
    }
    totals.payment = payment_totals(incarnation);
    depths.sort_unstable_by(|one, other| other.cmp(one));
    depths.truncate(5);
    totals.depths = depths;
    totals
}

fn payment_totals(incarnation: &Incarnation) -> PaymentTotals {
    let now = incarnation.now();
    let mut totals = PaymentTotals::default();
    for id in incarnation.worked_on() {
        let Some(entry) = incarnation.owner_of(id) else {
            continue;
        };
        entry.read(|candidate| {
            let Some(order) = candidate.order(id) else { return };
            totals.unresolved += u64::from(order.is_unresolved());
            let failing = order.refunds().iter().filter(|refund| match refund.state {
                RefundState::Due { failures } | RefundState::Sent { failures } => failures > 0,
                RefundState::Asked | RefundState::Done => false,
            });
            totals.failing += failing.count() as u64;
            for ordered in order.claims() {
                let claim = candidate.claim(ordered.claim);
                let attached = claim.filter(|claim| claim.attached.is_some_and(|to| to.order == id));
                if let Some(since) = attached.and_then(|claim| claim.settling_since(now)) {
                    totals.settling += 1;
                    totals.settling_for = totals.settling_for.max(now.since(since).to_std());
                }
            }
        });
    }
    totals
}

/// Deletes enrolments whose time is over and that have no active claim (R9).
pub(crate) async fn end_enrolments(incarnation: Arc<Incarnation>) {
    while !incarnation.is_over() {
        if incarnation.expiry() == Expiry::Running {
            for candidate in take_due(&incarnation, incarnation.now()) {
                end_enrolment(&incarnation, candidate).await;
            }
        }
        let next = incarnation
            .enrolment_ends
            .lock()
            .peek()
            .map(|Reverse((at, _))| *at);
        let wait = next.map_or(TICK, |at| {
            at.since(incarnation.now())
                .to_std()
                .clamp(Duration::from_millis(5), TICK)
        });
        tokio::time::timeout(wait, incarnation.enrolment_ended.notified())
            .await
            .ok();
    }
}

async fn end_enrolment(incarnation: &Arc<Incarnation>, candidate: CandidateId) {
    let entry = incarnation.candidate(candidate);
    let _turn = entry.take_turn().await;
    let now = incarnation.now();
    let over = entry.read(|state| {
        state
            .enrolment()
            .copied()
            .filter(|_| state.enrolment_is_over(now))
    });
    let Some(enrolment) = over else { return };
    pass(FailPoint::EnrolmentOver);
    let event = Event::EnrolmentDeleted {
        candidate,
        by: By::System,
    };
    if let Err(failure) = incarnation.record(enrolment.site.province, vec![event]).await {
        tracing::warn!(%candidate, %failure, "an enrolment whose time is over is not deleted yet; it is looked at again");
        let again = now + Span::from_secs(1);
        incarnation
            .enrolment_ends
            .lock()
            .push(Reverse((again, candidate)));
    }
}

/// Enrolments whose time is over by now.
fn take_due(incarnation: &Incarnation, now: Moment) -> Vec<CandidateId> {
    let mut ends = incarnation.enrolment_ends.lock();
    let mut due = Vec::new();
    while let Some(Reverse((at, candidate))) = ends.peek().copied() {
        if at > now {
            break;
        }
        ends.pop();
        due.push(candidate);
    }
    due
}
