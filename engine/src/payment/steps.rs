//! The steps of an order, done: asked of its pools or its provider, and what came of it told to the order.
//!
//! Each may be cut off anywhere and done again. What is told is decided and recorded in the candidate's turn, so that
//! no two tell one order something at the same time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kaowei_core::ids::{Cell, ClaimId, ClaimNumber, OrderId};
use kaowei_core::invariant::Invariant;
use kaowei_core::payment::{self, Heard, Limits, Order, RefundCause, Step};
use kaowei_core::registration::{Opening, OrderAsk, OrderVerdict};
use kaowei_core::seats::{self, Refusal};
use kaowei_core::sites::Paper;
use kaowei_core::stored::KeyNote;
use kaowei_core::time::Span;
use smallvec::SmallVec;
use tokio::sync::{Semaphore, oneshot};

use super::{Bill, Created, RefundBill, Unanswered};
use crate::actors::Ask;
use crate::candidate_entry::{CandidateEntry, Turn};
use crate::fail_points::{FailPoint, pass};
use crate::failure::Failure;
use crate::incarnation::Incarnation;
use crate::journal::Fate;
use crate::metrics;

/// How long a provider may take; it is asked again later.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// Tells an order something, durably. The refusal is only ever that of a refund that was asked for.
pub(crate) async fn tell(
    incarnation: &Arc<Incarnation>,
    entry: &CandidateEntry,
    id: OrderId,
    command: &payment::Command,
    _turn: &Turn,
) -> Result<Result<(), Refusal>, Failure> {
    let now = incarnation.now();
    let decided = entry.read(|candidate| {
        let order = candidate.order(id)?;
        let first = order.claims().first()?;
        Some((first.claim, order.decide(command, now)))
    });
    let (claim, events) = match decided {
        None => return Ok(Err(Refusal::UnknownClaim)),
        Some((_, Err(refusal))) => return Ok(Err(refusal)),
        Some((claim, Ok(events))) => (claim, events),
    };
    if events.is_empty() {
        return Ok(Ok(()));
    }
    incarnation
        .record_at(cell_of(incarnation, claim)?, events, now)
        .await?;
    let books = entry.read(|candidate| candidate.order(id).map(Order::check));
    if let Some(Err(breach)) = books {
        metrics::invariant_breached(Invariant::MoneyAccounted);
        tracing::error!(order = %id, %breach, "the books of an order do not agree");
    }
    Ok(Ok(()))
}

/// A claim's cell; all claims of a candidate lie in one.
pub(crate) fn cell_of(incarnation: &Incarnation, claim: ClaimId) -> Result<Cell, Failure> {
    let pool = incarnation.pool(claim.pool).ok_or(Failure::Internal)?;
    Ok(pool.facts.site.province)
}

/// What follows for an order from what is known of its claims: it is closed, or a seat that it has paid goes back.
pub(super) async fn follow(
    incarnation: &Arc<Incarnation>,
    entry: &CandidateEntry,
    id: OrderId,
    turn: &Turn,
) -> Result<(), Failure> {
    let (close, refunds) = entry.read(|candidate| {
        let close = candidate.orders_to_close().find(|(order, _)| *order == id);
        let refunds: Vec<ClaimId> = candidate
            .refunds_to_ask()
            .filter(|(order, _)| *order == id)
            .map(|(_, claim)| claim)
            .collect();
        (close, refunds)
    });
    if let Some((_, why)) = close {
        let done = tell(incarnation, entry, id, &payment::Command::Close { why }, turn).await?;
        done.map_err(|_| Failure::Internal)?;
        pass(FailPoint::OrderClosing);
    }
    for claim in refunds {
        let cause = RefundCause::WithoutWritten;
        let ask = payment::Command::AskRefund { claim, cause };
        let done = tell(incarnation, entry, id, &ask, turn).await?;
        done.map_err(|_| Failure::Internal)?;
    }
    Ok(())
}

/// Opens the order that takes the place of one that was closed since its holds got later deadlines (R33).
pub(super) async fn reissue(
    incarnation: &Arc<Incarnation>,
    entry: &CandidateEntry,
    id: OrderId,
    turn: &Turn,
) -> Result<(), Failure> {
    let Some((paper, method)) = entry.read(|candidate| candidate.to_reissue(id)) else {
        return Ok(());
    };
    if let Some(OrderVerdict::Open(opening)) = verdict(incarnation, entry, paper, method) {
        open(incarnation, entry, opening, None, turn).await?;
    }
    Ok(())
}

/// What a candidate's side says to an order; none before there is a sitting or where the method is not offered.
pub(crate) fn verdict(
    incarnation: &Incarnation,
    entry: &CandidateEntry,
    paper: Paper,
    method: payment::Method,
) -> Option<OrderVerdict> {
    let catalogue = incarnation.catalogue();
    let sitting = catalogue.sitting.as_ref()?;
    incarnation.providers.of(method)?;
    Some(entry.read(|candidate| {
        let site = candidate.enrolment().map(|enrolment| enrolment.site);
        let payment_closes_at = site.map_or(incarnation.now(), |site| {
            let terms = sitting.terms(site.province, site.school, paper);
            terms.payment_closes_at
        });
        candidate.may_order(&OrderAsk {
            paper,
            method,
            agreement: &sitting.agreement.version,
            payment_closes_at,
            margin: Span::from_secs(sitting.order_margin_seconds),
            now: incarnation.now(),
        })
    }))
}

/// Opens an order, durably; its worker goes on with it.
pub(crate) async fn open(
    incarnation: &Arc<Incarnation>,
    entry: &CandidateEntry,
    opening: Opening,
    key: Option<KeyNote>,
    _turn: &Turn,
) -> Result<OrderId, Failure> {
    let catalogue = incarnation.catalogue();
    let sitting = catalogue.sitting.as_ref().ok_or(Failure::Internal)?;
    let provider = incarnation
        .providers
        .of(opening.method)
        .ok_or(Failure::Internal)?;
    let limits = Limits {
        close_after: provider.close_after(Span::from_secs(sitting.order_margin_seconds)),
        grace: Span::from_secs(sitting.payment_grace_seconds),
    };
    let first = opening.claims.first().ok_or(Failure::Internal)?;
    let cell = cell_of(incarnation, first.claim)?;
    // The random half of a version 7 id.
    let (_, random) = uuid::Uuid::now_v7().as_u64_pair();
    let id = OrderId(random);
    let opened = opening.event(id, entry.id, limits, key);
    incarnation.record(cell, [opened]).await?;
    pass(FailPoint::OrderOpened);
    Ok(id)
}

/// Asks the pools of an order for something and tells it what came of that. Why they do not keep its holds, if so.
pub(crate) async fn with_pools(
    incarnation: &Arc<Incarnation>,
    entry: &CandidateEntry,
    order: &Order,
    step: Step,
    turn: &Turn,
) -> Result<Option<Refusal>, Failure> {
    let id = order.id();
    let mut given_up = None;
    let told = match step {
        Step::Attach => {
            let margin = incarnation.order_margin();
            let ask = |claim| seats::Command::Attach {
                claim,
                order: id,
                margin,
            };
            let refused = ask_pools(incarnation, order, ask).await?;
            given_up = refused.first().map(|(_, refusal)| *refusal);
            pass(FailPoint::OrderAttached);
            if refused.is_empty() {
                payment::Command::Place
            } else {
                payment::Command::GiveUp
            }
        }
        Step::Pay => {
            let ask = |claim| seats::Command::Pay { claim, order: id };
            let refused = ask_pools(incarnation, order, ask).await?;
            pass(FailPoint::OrderPoolsPaid);
            payment::Command::Settle {
                refused: refused.into_iter().collect(),
            }
        }
        Step::Detach => {
            let ask = |claim| seats::Command::Detach { claim, order: id };
            // What a pool refuses here is of a claim that it does not know: there is nothing to let go.
            ask_pools(incarnation, order, ask).await?;
            pass(FailPoint::OrderPoolsReleased);
            payment::Command::Release
        }
        Step::TakeBack(refund) => {
            let Some(asked) = order.refund(refund) else {
                return Ok(None);
            };
            let claim = asked.claim.ok_or(Failure::Internal)?;
            let (by, reason) = asked.cause.by();
            let command = seats::Command::Refund {
                claim: claim.number,
                order: id,
                by,
                reason,
            };
            if let Err(refusal) = ask_pool(incarnation, claim, command).await? {
                tracing::error!(%refund, %claim, ?refusal, "a paid seat can't be taken back, so its money is not sent back either");
                return Ok(Some(refusal));
            }
            pass(FailPoint::RefundSeatBack);
            payment::Command::SeatBack { refund }
        }
        Step::Create
        | Step::Query
        | Step::Close
        | Step::Refund(_)
        | Step::QueryRefund(_)
        | Step::Nothing { .. } => return Ok(None),
    };
    let done = tell(incarnation, entry, id, &told, turn).await?;
    done.map_err(|_| Failure::Internal)?;
    match step {
        Step::Attach => pass(FailPoint::OrderPlaced),
        Step::Pay => pass(FailPoint::OrderSettled),
        _ => {}
    }
    Ok(given_up)
}

/// Asks the pools of an order, one claim after the other; what was refused.
async fn ask_pools(
    incarnation: &Arc<Incarnation>,
    order: &Order,
    command: impl Fn(ClaimNumber) -> seats::Command,
) -> Result<SmallVec<[(ClaimId, Refusal); 1]>, Failure> {
    let mut refused = SmallVec::new();
    for ordered in order.claims() {
        let claim = ordered.claim;
        if let Err(refusal) = ask_pool(incarnation, claim, command(claim.number)).await? {
            refused.push((claim, refusal));
        }
        pass(FailPoint::OrderPoolAsked);
    }
    Ok(refused)
}

async fn ask_pool(
    incarnation: &Arc<Incarnation>,
    claim: ClaimId,
    command: seats::Command,
) -> Result<Result<(), Refusal>, Failure> {
    let pool = incarnation.pool(claim.pool).ok_or(Failure::Internal)?;
    let (done, wait) = oneshot::channel();
    let then = Box::new(move |_: &Arc<Incarnation>, fate: Fate<'_>| {
        let told = match fate {
            Fate::Committed { outcome, .. } => Ok(outcome),
            Fate::Failed(failure) => Err(failure),
        };
        done.send(told).ok();
    });
    pool.ask(Ask { command, then })?;
    wait.await.unwrap_or(Err(Failure::StoreUnavailable))
}

/// Asks the provider of an order for something and tells it the answer, if there is one.
pub(super) async fn with_provider(
    incarnation: &Arc<Incarnation>,
    entry: &Arc<CandidateEntry>,
    order: &Order,
    step: Step,
) -> Result<(), Failure> {
    let places = incarnation.providers.places(step);
    let Ok(answer) = ask_provider(incarnation, order, step, places).await else {
        return Ok(());
    };
    pass(FailPoint::ProviderAnswered);
    if let Some(command) = answer {
        let turn = entry.take_turn().await;
        let done = tell(incarnation, entry, order.id(), &command, &turn).await?;
        done.map_err(|_| Failure::Internal)?;
        pass(FailPoint::ProviderHeard);
    }
    Ok(())
}

/// Asks a provider whether an order is paid, now.
pub(crate) async fn query(incarnation: &Arc<Incarnation>, order: &Order) -> Result<Heard, Unanswered> {
    let places = &incarnation.providers.refreshes;
    match ask_provider(incarnation, order, Step::Query, places).await? {
        Some(payment::Command::Hear(heard)) => Ok(heard),
        Some(_) | None => Err(Unanswered::Unreachable),
    }
}

/// Whoever finds no place in time looks again at what is to be done by then.
async fn ask_provider(
    incarnation: &Incarnation,
    order: &Order,
    step: Step,
    places: &Semaphore,
) -> Result<Option<payment::Command>, Unanswered> {
    let place = tokio::time::timeout(ANSWER_TIME_MAX, places.acquire()).await;
    let _place = place.map_err(|_| Unanswered::Unreachable)?;
    let started = Instant::now();
    let asked = tokio::time::timeout(ANSWER_TIME_MAX, ask(incarnation, order, step)).await;
    let answer = asked.unwrap_or(Err(Unanswered::Unreachable));
    metrics::provider_asked(verb(step), answer.is_ok(), started.elapsed());
    if let Err(unanswered) = &answer {
        tracing::debug!(order = %order.id(), verb = verb(step), %unanswered, "the provider is asked again later");
    }
    answer
}

async fn ask(
    incarnation: &Incarnation,
    order: &Order,
    step: Step,
) -> Result<Option<payment::Command>, Unanswered> {
    let provider = incarnation.providers.of(order.method());
    let provider = provider.ok_or(Unanswered::NotSetUp)?;
    let id = order.id();
    Ok(match step {
        Step::Create => {
            let bill = Bill {
                order: id,
                amount: order.amount(),
                subject: incarnation.sitting_name(),
                expires_at: order.expires_at(),
                close_after: order.limits().close_after,
            };
            Some(match provider.create(&bill).await? {
                Created::Payable { pay_url } => payment::Command::Created { pay_url },
                Created::Is(heard) => payment::Command::Hear(heard),
            })
        }
        Step::Query => Some(payment::Command::Hear(provider.query(id).await?)),
        Step::Close => Some(payment::Command::Hear(provider.close(id).await?)),
        Step::Refund(refund) => {
            let Some(due) = order.refund(refund) else {
                return Ok(None);
            };
            let bill = RefundBill {
                refund,
                trade: due.trade.clone(),
                amount: due.amount,
                received: order.received_by(&due.trade),
                reason: due.cause.by().1,
            };
            let heard = provider.refund(&bill).await?;
            Some(payment::Command::HearRefund { refund, heard })
        }
        Step::QueryRefund(refund) => {
            let heard = provider.query_refund(refund).await?;
            Some(payment::Command::HearRefund { refund, heard })
        }
        Step::Attach | Step::Pay | Step::Detach | Step::TakeBack(_) | Step::Nothing { .. } => None,
    })
}

fn verb(step: Step) -> &'static str {
    match step {
        Step::Create => "create",
        Step::Query => "query",
        Step::Close => "close",
        Step::Refund(_) => "refund",
        Step::QueryRefund(_) => "query_refund",
        Step::Attach | Step::Pay | Step::Detach | Step::TakeBack(_) | Step::Nothing { .. } => "none",
    }
}
