//! What must be done before anything is served: cascades that a crash cut off, and time given back to holds that
//! fell due while nobody could look after them (1.4).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kaowei_core::ids::{CandidateId, Cell};
use kaowei_core::registration::Event;
use kaowei_core::seats::{By, ClaimState, Command, RemovalCause};
use kaowei_core::time::{Moment, Span};
use tokio::sync::oneshot;

use crate::actors::{Ask, PoolHandle};
use crate::failure::Failure;
use crate::incarnation::{Incarnation, Orphan, settled};
use crate::journal::{Entry, Fate, Happened};

/// An engine that was down for no longer than this gives no time back.
pub(crate) const OUTAGE_MIN: Span = Span::from_secs(60);

/// At least this much time is given back.
const GIVEN_BACK_MIN: Span = Span::from_secs(600);

/// How often and how soon a pool that can't be asked is asked again: 10 s in all.
const TRIES: u32 = 1_000;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// How long the pools of orphans may take: far longer than any needs whose store answers.
const ORPHANS_TIME_MAX: Duration = Duration::from_secs(30);

/// Enrolments extended in one commit: an outage concerns all of them.
const AT_ONCE: usize = 1_000;

/// Kept in the audit trail, which has one text for readers of either language.
const REASON: &str = "到期时系统停机 / the engine was down when it fell due";

/// Catches up. `down_since` is the latest sign of life before this start.
pub(crate) async fn catch_up(
    incarnation: &Arc<Incarnation>,
    down_since: Option<Moment>,
) -> Result<(), Failure> {
    let now = incarnation.now();
    let down = down_since.map_or(Span::ZERO, |since| now.since(since));
    if down > OUTAGE_MIN {
        let until = now + down.max(GIVEN_BACK_MIN);
        let holds = extend_holds(incarnation, now, until).await?;
        let enrolments = extend_enrolments(incarnation, now, until).await?;
        tracing::warn!(
            down_seconds = down.as_ms() / 1000,
            holds,
            enrolments,
            "the engine was down: what fell due meanwhile got its time back"
        );
    }
    remove_orphans(incarnation).await?;
    give_a_sign_of_life(incarnation).await
}

/// The store takes writes, its clock has been compared, and nobody else leads: only then is anything served. Until then
/// nothing counts as a sign of life, so that whoever recovers from a crash in here still knows of the outage.
async fn give_a_sign_of_life(incarnation: &Arc<Incarnation>) -> Result<(), Failure> {
    let (done, wait) = oneshot::channel();
    incarnation.hand_over(Entry {
        happened: Happened::Heartbeat,
        then: Box::new(move |_, fate| {
            done.send(settled(&fate)).ok();
        }),
    });
    wait.await.unwrap_or(Err(Failure::StoreUnavailable))
}

async fn extend_holds(incarnation: &Arc<Incarnation>, now: Moment, until: Moment) -> Result<usize, Failure> {
    let mut waits = Vec::new();
    for entry in incarnation.all_candidates() {
        let due: Vec<_> = entry.read(|candidate| {
            let due = |state: ClaimState| state.held_until().is_some_and(|held_until| held_until <= now);
            candidate
                .claims()
                .iter()
                .filter(|claim| due(claim.state))
                .map(|claim| claim.id)
                .collect()
        });
        for claim in due {
            let Some(pool) = incarnation.pool(claim.pool) else {
                continue;
            };
            // Never past the end of payment (R18): a hold that can't be paid any more is not kept.
            let held_until = until.min(pool.terms().payment_closes_at);
            if held_until <= now {
                continue;
            }
            let command = Command::Extend {
                claim: claim.number,
                held_until,
                by: By::System,
                reason: REASON.into(),
            };
            waits.push(ask(&pool, command).await?);
        }
    }
    let holds = waits.len();
    for wait in waits {
        wait.await.unwrap_or(Err(Failure::StoreUnavailable))?;
    }
    Ok(holds)
}

async fn extend_enrolments(
    incarnation: &Arc<Incarnation>,
    now: Moment,
    until: Moment,
) -> Result<usize, Failure> {
    let mut due: BTreeMap<Cell, Vec<CandidateId>> = BTreeMap::new();
    for entry in incarnation.all_candidates() {
        let enrolment = entry.read(|candidate| candidate.enrolment().copied());
        if let Some(enrolment) = enrolment.filter(|enrolment| enrolment.delete_after <= now) {
            due.entry(enrolment.site.province).or_default().push(entry.id);
        }
    }
    for (cell, candidates) in &due {
        for some in candidates.chunks(AT_ONCE) {
            let extended = |candidate: &CandidateId| Event::EnrolmentExtended {
                candidate: *candidate,
                delete_after: until,
                by: By::System,
                reason: REASON.into(),
            };
            incarnation.record(*cell, some.iter().map(extended)).await?;
        }
    }
    Ok(due.values().map(Vec::len).sum())
}

async fn remove_orphans(incarnation: &Arc<Incarnation>) -> Result<(), Failure> {
    let orphans: Vec<_> = incarnation
        .all_candidates()
        .iter()
        .flat_map(|entry| {
            let orphans: Vec<_> = entry.read(|candidate| candidate.orphans().collect());
            // One that was granted too late may be among them, but so may one that its candidate was told of.
            orphans.into_iter().map(|claim| Orphan {
                claim,
                cause: RemovalCause::WithWritten,
                held_back: entry.hold_back(),
            })
        })
        .collect();
    if orphans.is_empty() {
        return Ok(());
    }
    tracing::info!(
        claims = orphans.len(),
        "oral claims whose written one is gone are taken away, as a crash cut off"
    );
    let (done, wait) = oneshot::channel();
    incarnation.cascade(
        orphans,
        Box::new(move |_, cascaded| {
            done.send(cascaded).ok();
        }),
    );
    let Ok(done) = tokio::time::timeout(ORPHANS_TIME_MAX, wait).await else {
        tracing::error!("oral claims whose written one is gone could not be taken away in time");
        return Err(Failure::StoreUnavailable);
    };
    done.unwrap_or(Err(Failure::StoreUnavailable))
}

/// Asks a pool, again for a while where its mailbox is full: actors that have just been started take few messages at
/// first.
async fn ask(pool: &PoolHandle, command: Command) -> Result<oneshot::Receiver<Result<(), Failure>>, Failure> {
    for _ in 0..TRIES {
        let (done, wait) = oneshot::channel();
        let then = Box::new(move |_: &Arc<Incarnation>, fate: Fate<'_>| {
            done.send(settled(&fate)).ok();
        });
        if pool
            .ask(Ask {
                command: command.clone(),
                then,
            })
            .is_ok()
        {
            return Ok(wait);
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    Err(Failure::StoreUnavailable)
}
