//! Claims: the hot path. Candidate's entry, then the pool's mailbox, then the journal, then the answer (R12–R22).
//!
//! What a claim holds – its place at the door, the candidate's turn – travels with it through actor and journal, and
//! is given back when the answer is durable. A client that hangs up changes nothing about that; its repeat finds the
//! result.

use std::sync::Arc;
use std::time::Instant;

use kaowei_core::ids::{CandidateId, Cell, ClaimId, PoolId};
use kaowei_core::registration::{Ask as Claiming, Candidate, KeyAnswer, Verdict};
use kaowei_core::seats::{
    By, ClaimState, Command, First, OnFull, Refusal, RegisteredBy, Standing, WithdrawReason,
};
use kaowei_core::time::Span;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::Engine;
use crate::actors::{Ask, PoolHandle};
use crate::candidate_entry::{CandidateEntry, Turn};
use crate::fail_points::{FailPoint, pass};
use crate::failure::{Denied, Failure};
use crate::fault::Fault;
use crate::incarnation::Incarnation;
use crate::journal::{Fate, Sealed};
use crate::metrics::{ClaimOutcome, claim_answered};
use crate::people::keep_remark;
use crate::tables::claim_of;
use crate::views::{Account, ClaimAnswer, ClaimView};

/// When to ask again when the door is full.
const RETRY_AFTER: Span = Span::from_secs(1);

/// The longest reason in a candidate's own words, in characters.
const REASON_MAX: usize = 500;

/// A claim as it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct ClaimRequest {
    /// Of which pool.
    pub pool: PoolId,
    /// What if no seat is free.
    pub on_full: OnFull,
    /// The idempotency key it came with.
    pub key: Option<KeyHashes>,
}

/// An idempotency key, hashed, with the hash of the operation and body that it came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyHashes {
    /// Of the key.
    pub key: u128,
    /// Of operation and body.
    pub body: u128,
}

type Answer = Result<ClaimAnswer, Denied>;

impl Engine {
    /// Claims a seat, or a place in the queue.
    ///
    /// # Errors
    /// [`Denied`]: refusals in the documented order; failures after which a repeat finds the result.
    pub async fn claim(&self, account: Account, request: ClaimRequest) -> Result<ClaimAnswer, Denied> {
        let arrived = Instant::now();
        let answer = self.claim_inside(account, request).await;
        claim_answered(outcome(&answer), arrived.elapsed());
        answer
    }

    async fn claim_inside(&self, account: Account, request: ClaimRequest) -> Answer {
        let door = self.inner.door.clone().try_acquire_owned();
        let door = door.map_err(|_| Failure::Overloaded {
            retry_after: RETRY_AFTER,
        })?;
        let incarnation = self.incarnation()?;
        let pool = incarnation.pool(request.pool).ok_or(Denied::NotFound)?;
        let entry = incarnation.candidate(account.candidate);
        let turn = entry.take_turn().await;
        pass(FailPoint::TurnTaken);
        self.look_up_eligibility(&incarnation, &entry).await?;

        let mut found = look(&incarnation, &pool, &entry, &request)?;
        if let Look::Existing(standing) = &found
            && incarnation.is_overdue(standing)
        {
            // Not a hold that is about to be taken away: what is due is done first.
            catch_up(&pool).await?;
            found = look(&incarnation, &pool, &entry, &request)?;
        }
        match found {
            Look::Answered(answer) => Ok(answer),
            Look::Forgotten(claim) => {
                drop(door);
                let cell = pool.facts.site.province;
                let made = self.forgotten_claim(cell, entry.id, claim).await?;
                Ok(as_first_answered(&made.ok_or(Failure::Internal)?))
            }
            Look::Existing(standing) => {
                self.repeat(&incarnation, &pool, &entry, standing, request.key, turn)
                    .await
            }
            Look::Ask => ask_pool(&pool, &entry, &request, door, turn).await,
        }
    }

    /// Answers with a claim that is there already; a new key is remembered first.
    async fn repeat(
        &self,
        incarnation: &Arc<Incarnation>,
        pool: &Arc<PoolHandle>,
        entry: &Arc<CandidateEntry>,
        standing: Standing,
        key: Option<KeyHashes>,
        turn: Turn,
    ) -> Answer {
        let Some(key) = key else {
            return Ok(ClaimAnswer {
                created: false,
                claim: view(incarnation, standing),
            });
        };
        let note = entry.read(|candidate| candidate.note_key(key.key, key.body));
        let claim = view(incarnation, standing);
        let command = Command::Remember {
            candidate: entry.id,
            claim: standing.id.number,
            key: note,
            answered: Box::new(claim.into()),
        };
        let (answer, wait) = oneshot::channel();
        let then = Box::new(move |_: &Arc<Incarnation>, fate: Fate<'_>| {
            let answered = match fate {
                Fate::Committed { outcome: Ok(()), .. } => Ok(ClaimAnswer {
                    created: false,
                    claim,
                }),
                Fate::Committed {
                    outcome: Err(refusal),
                    ..
                } => Err(refusal.into()),
                Fate::Failed(failure) => Err(failure.into()),
            };
            drop(turn);
            answer.send(answered).ok();
        });
        pool.ask(Ask { command, then })?;
        wait.await.unwrap_or(Err(Failure::StoreUnavailable.into()))
    }

    /// Gives up a held seat or a place in the queue (R17, R22).
    ///
    /// # Errors
    /// [`Denied::NotFound`] for another's claim; [`Refusal::AlreadyPaid`], [`Refusal::AlreadyGone`],
    /// [`Refusal::ReasonRequired`].
    pub async fn cancel(
        &self,
        account: Account,
        claim: ClaimId,
        reason: Option<&str>,
    ) -> Result<ClaimView, Denied> {
        let incarnation = self.incarnation()?;
        let entry = incarnation.candidate(account.candidate);
        let turn = entry.take_turn().await;
        let standing = self.own_claim(&incarnation, &entry, claim).await?;
        match standing.state {
            ClaimState::Paid { .. } => return Err(Refusal::AlreadyPaid.into()),
            ClaimState::Gone(_) => return Err(Refusal::AlreadyGone.into()),
            ClaimState::Waiting if reason.is_none() => return Err(Refusal::ReasonRequired.into()),
            ClaimState::Waiting | ClaimState::Held { .. } => {}
        }
        let reason = match reason {
            None => None,
            Some(text) => Some(self.keep_reason(&incarnation, claim, text).await?),
        };
        let pool = incarnation.pool(claim.pool).ok_or(Denied::NotFound)?;
        let command = Command::Cancel {
            claim: claim.number,
            by: By::Candidate,
            reason,
        };
        let (answer, wait) = oneshot::channel();
        let then = Box::new(move |incarnation: &Arc<Incarnation>, fate: Fate<'_>| {
            let answered = match fate {
                Fate::Committed {
                    outcome: Ok(()),
                    events,
                } => {
                    // The entry may have forgotten it by now.
                    let mut gone = standing;
                    for Sealed { event, seal, .. } in events {
                        if event.claim().is_some_and(|(number, _)| number == claim.number) {
                            gone.evolve(event, seal);
                        }
                    }
                    Ok(view(incarnation, gone))
                }
                Fate::Committed {
                    outcome: Err(refusal),
                    ..
                } => Err(Denied::Refused(refusal)),
                Fate::Failed(failure) => Err(failure.into()),
            };
            drop(turn);
            answer.send(answered).ok();
        });
        pool.ask(Ask { command, then })?;
        wait.await.unwrap_or(Err(Failure::StoreUnavailable.into()))
    }

    /// A reason from the list, or free text, which is kept with the persons' data.
    async fn keep_reason(
        &self,
        incarnation: &Arc<Incarnation>,
        claim: ClaimId,
        text: &str,
    ) -> Result<WithdrawReason, Denied> {
        if let Some(listed) = WithdrawReason::ALL
            .into_iter()
            .find(|reason| reason.as_str() == text)
        {
            return Ok(listed);
        }
        if let Some(fault) = Fault::of_text(text.trim(), 1, REASON_MAX) {
            return Err(Denied::wrong("/reason", fault));
        }
        keep_remark(&self.inner.store.people, claim, incarnation.now(), text).await?;
        Ok(WithdrawReason::Other)
    }

    /// A candidate's claims, in the order in which they were made: all active ones and the latest of those gone.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`] while recovery runs.
    pub fn claims(&self, account: Account) -> Result<Vec<ClaimView>, Failure> {
        let incarnation = self.incarnation()?;
        let entry = incarnation.candidate(account.candidate);
        let standings = entry.read(|candidate| candidate.claims().to_vec());
        Ok(standings
            .into_iter()
            .map(|standing| view(&incarnation, standing))
            .collect())
    }

    /// One of a candidate's claims, however old.
    ///
    /// # Errors
    /// [`Denied::NotFound`] for another's.
    pub async fn claim_by_id(&self, account: Account, claim: ClaimId) -> Result<ClaimView, Denied> {
        let incarnation = self.incarnation()?;
        let entry = incarnation.candidate(account.candidate);
        let standing = self.own_claim(&incarnation, &entry, claim).await?;
        Ok(view(&incarnation, standing))
    }

    pub(super) async fn own_claim(
        &self,
        incarnation: &Arc<Incarnation>,
        entry: &Arc<CandidateEntry>,
        claim: ClaimId,
    ) -> Result<Standing, Denied> {
        if let Some(standing) = entry.read(|candidate| candidate.claim(claim).copied()) {
            return Ok(standing);
        }
        if !entry.read(Candidate::may_have_forgotten_claims) {
            return Err(Denied::NotFound);
        }
        let pool = incarnation.pool(claim.pool).ok_or(Denied::NotFound)?;
        let kept = self.forgotten_claim(pool.facts.site.province, entry.id, claim);
        kept.await?.ok_or(Denied::NotFound)
    }

    /// A claim that its candidate's entry lists no more. It is gone for good, so a row that says so is final; where
    /// there is none that does, the tables may be behind.
    async fn forgotten_claim(
        &self,
        cell: Cell,
        candidate: CandidateId,
        claim: ClaimId,
    ) -> Result<Option<Standing>, Failure> {
        let store = &self.inner.store;
        let kept = claim_of(store, candidate, claim).await?;
        if kept.is_some_and(|standing| !standing.state.is_active()) {
            return Ok(kept);
        }
        self.caught_up(Some(cell)).await?;
        claim_of(store, candidate, claim).await
    }
}

/// What a claim's own candidate says to it.
enum Look {
    Answered(ClaimAnswer),
    /// The key was answered with this claim, which is listed no more.
    Forgotten(ClaimId),
    Existing(Standing),
    Ask,
}

fn look(
    incarnation: &Arc<Incarnation>,
    pool: &PoolHandle,
    entry: &CandidateEntry,
    request: &ClaimRequest,
) -> Result<Look, Denied> {
    let catalogue = incarnation.catalogue();
    let sitting = catalogue.sitting.as_deref();
    let agreement = sitting.map_or("", |sitting| sitting.agreement.version.as_str());
    let eligibility = entry.eligibility();
    let terms = pool.terms();
    entry.read(|candidate| {
        if let Some(look) = remembered(candidate, request)? {
            return Ok(look);
        }
        let verdict = candidate.may_claim(&Claiming {
            pool: &pool.facts,
            terms: &terms,
            on_full: request.on_full,
            agreement,
            eligibility: eligibility.as_deref(),
            granted: sitting.and_then(|sitting| candidate.granted(sitting)),
            now: incarnation.now(),
        });
        match verdict {
            Verdict::Ask => Ok(Look::Ask),
            Verdict::Existing(standing) => Ok(Look::Existing(standing)),
            Verdict::Refused(refusal) => Err(Denied::Refused(refusal)),
        }
    })
}

/// The answer that the same key got before.
fn remembered(candidate: &Candidate, request: &ClaimRequest) -> Result<Option<Look>, Denied> {
    let Some((note, answer)) = request.key.and_then(|key| candidate.keys().find(key.key)) else {
        return Ok(None);
    };
    if request.key.is_none_or(|key| key.body != note.body) {
        return Err(Denied::IdempotencyMismatch);
    }
    match answer {
        KeyAnswer::Made(claim) => {
            let listed = candidate.claim(*claim);
            Ok(Some(listed.map_or(Look::Forgotten(*claim), |made| {
                Look::Answered(as_first_answered(made))
            })))
        }
        KeyAnswer::Existing(answered) => Ok(Some(Look::Answered(ClaimAnswer {
            created: false,
            claim: (**answered).into(),
        }))),
        KeyAnswer::WrittenRequired => Err(Refusal::WrittenRequired.into()),
        KeyAnswer::Enrolled(_)
        | KeyAnswer::AlreadyEnrolled(_)
        | KeyAnswer::Reviewed(_)
        | KeyAnswer::Ordered(_)
        | KeyAnswer::OrderFound(_) => Err(Denied::IdempotencyMismatch),
    }
}

/// Lets a pool do what is due, durably.
async fn catch_up(pool: &PoolHandle) -> Result<(), Failure> {
    let (done, wait) = oneshot::channel();
    let then = Box::new(move |_: &Arc<Incarnation>, fate: Fate<'_>| {
        let settled = match fate {
            Fate::Committed { .. } => Ok(()),
            Fate::Failed(failure) => Err(failure),
        };
        done.send(settled).ok();
    });
    pool.ask(Ask {
        command: Command::CatchUp,
        then,
    })?;
    wait.await.unwrap_or(Err(Failure::StoreUnavailable))
}

async fn ask_pool(
    pool: &Arc<PoolHandle>,
    entry: &Arc<CandidateEntry>,
    request: &ClaimRequest,
    door: OwnedSemaphorePermit,
    turn: Turn,
) -> Answer {
    let key = request
        .key
        .map(|key| entry.read(|candidate| candidate.note_key(key.key, key.body)));
    let command = Command::Claim {
        candidate: entry.id,
        on_full: request.on_full,
        registered_by: RegisteredBy::Candidate,
        key,
    };
    let facts = pool.facts;
    let candidate = entry.id;
    let (answer, wait) = oneshot::channel();
    let then = Box::new(move |_: &Arc<Incarnation>, fate: Fate<'_>| {
        let answered = match fate {
            Fate::Committed {
                outcome: Ok(()),
                events,
            } => events
                .iter()
                .rev()
                .filter(|sealed| sealed.event.claim().is_some_and(|(_, of)| of == candidate))
                .find_map(|sealed| Standing::made_by(&facts, &sealed.event, &sealed.seal))
                .map(|made| as_first_answered(&made))
                .ok_or(Denied::Failed(Failure::Internal)),
            Fate::Committed {
                outcome: Err(refusal),
                ..
            } => Err(refusal.into()),
            Fate::Failed(failure) => Err(failure.into()),
        };
        drop(turn);
        drop(door);
        answer.send(answered).ok();
    });
    pool.ask(Ask { command, then })?;
    wait.await.unwrap_or(Err(Failure::StoreUnavailable.into()))
}

/// What the request that made a claim is answered with, whatever happened to it since.
fn as_first_answered(claim: &Standing) -> ClaimAnswer {
    let position = match claim.first {
        First::Held(_) => None,
        First::Queued(position) => Some(position),
    };
    ClaimAnswer {
        created: true,
        claim: ClaimView {
            standing: claim.as_made(),
            position,
            settling_since: None,
        },
    }
}

/// A claim with its place now.
pub(crate) fn view(incarnation: &Incarnation, standing: Standing) -> ClaimView {
    let position = match standing.state {
        ClaimState::Waiting => incarnation
            .pool(standing.id.pool)
            .and_then(|pool| pool.position(standing.id.number)),
        ClaimState::Held { .. } | ClaimState::Paid { .. } | ClaimState::Gone(_) => None,
    };
    ClaimView {
        standing,
        position,
        settling_since: standing.settling_since(incarnation.now()),
    }
}

fn outcome(answer: &Answer) -> ClaimOutcome {
    match answer {
        Ok(ClaimAnswer { created: false, .. }) => ClaimOutcome::Repeated,
        Ok(ClaimAnswer { claim, .. }) => match claim.standing.first {
            First::Held(_) => ClaimOutcome::Held,
            First::Queued(_) => ClaimOutcome::Waiting,
        },
        Err(Denied::Failed(Failure::Overloaded { .. })) => ClaimOutcome::Overloaded,
        Err(Denied::Failed(_)) => ClaimOutcome::Failed,
        Err(
            Denied::Refused(_)
            | Denied::NotFound
            | Denied::OutOfScope
            | Denied::IdempotencyMismatch
            | Denied::Invalid(_)
            | Denied::NoSuchPool(_)
            | Denied::Unreadable(_)
            | Denied::AccountExists
            | Denied::BadCredentials
            | Denied::PassportAccount
            | Denied::StaffAccountEnded
            | Denied::UnknownAccount,
        ) => ClaimOutcome::Refused,
    }
}
