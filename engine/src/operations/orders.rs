//! Orders, as their candidates see them (R24–R28).
//!
//! Opening one is two steps in one turn – it is recorded, and its pools keep its holds – and then its worker's: whoever
//! asked waits a little for the provider, and finds the order again if that takes longer.

use std::sync::Arc;
use std::time::Duration;

use kaowei_core::ids::{Cell, OrderId};
use kaowei_core::payment::{self, Command, Method, Order, State, Step, Why};
use kaowei_core::registration::{Candidate, KeyAnswer, OrderVerdict};
use kaowei_core::seats::Refusal;
use kaowei_core::sites::Paper;

use super::KeyHashes;
use super::enrolments::{sitting, to_the_end};
use crate::Engine;
use crate::candidate_entry::CandidateEntry;
use crate::failure::{Denied, Failure};
use crate::fault::Fault;
use crate::incarnation::Incarnation;
use crate::payment::{cell_of, open, query, tell, verdict, with_pools};
use crate::views::Account;

/// How long an answer waits for what the order's worker does; the order is found again afterwards.
const PATIENCE: Duration = Duration::from_secs(4);

/// An order as it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct OrderRequest {
    /// For which paper.
    pub paper: Paper,
    /// How it is to be paid.
    pub method: Method,
    /// The idempotency key it came with.
    pub key: Option<KeyHashes>,
}

/// The answer to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderAnswer {
    /// It was opened.
    Created(Order),
    /// It was open already.
    Existing(Order),
    /// This one has to be closed first, which takes a while: ask again.
    EndsFirst(Order),
}

impl Engine {
    /// Opens an order for all that can be paid of a paper; the one that is open already, by the same method (R25).
    ///
    /// # Errors
    /// [`Denied`]: refusals in the documented order.
    pub async fn open_order(&self, account: Account, request: OrderRequest) -> Result<OrderAnswer, Denied> {
        let methods = self.inner.providers.methods();
        if !methods.contains(&request.method.as_str()) {
            return Err(Denied::wrong(
                "/method",
                Fault::MethodNotOffered { offered: methods },
            ));
        }
        let engine = self.clone();
        to_the_end(async move {
            let incarnation = engine.incarnation()?;
            sitting(&incarnation)?;
            let entry = incarnation.candidate(account.candidate);
            let mut answer = ask(&incarnation, &entry, request).await?;
            if let OrderAnswer::EndsFirst(first) = &answer
                && wait_for(&entry, first.id(), |order| !order.keeps_holds()).await
            {
                answer = ask(&incarnation, &entry, request).await?;
            }
            let (OrderAnswer::Created(order) | OrderAnswer::Existing(order)) = &answer else {
                return Ok(answer);
            };
            let id = order.id();
            let is_made = |order: &Order| !matches!(order.state(), State::Attaching | State::Placed { .. });
            wait_for(&entry, id, is_made).await;
            let order = found(&entry, id)?;
            Ok(match answer {
                OrderAnswer::Created(_) => OrderAnswer::Created(order),
                OrderAnswer::Existing(_) | OrderAnswer::EndsFirst(_) => OrderAnswer::Existing(order),
            })
        })
        .await
    }

    /// One of a candidate's orders.
    ///
    /// # Errors
    /// [`Denied::NotFound`] for another's.
    pub fn order(&self, account: Account, id: OrderId) -> Result<Order, Denied> {
        let incarnation = self.incarnation()?;
        found(&incarnation.candidate(account.candidate), id)
    }

    /// A candidate's orders, in the order in which they were opened.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`] while recovery runs.
    pub fn orders(&self, account: Account) -> Result<Vec<Order>, Failure> {
        let incarnation = self.incarnation()?;
        let entry = incarnation.candidate(account.candidate);
        Ok(entry.read(|candidate| candidate.orders().to_vec()))
    }

    /// Asks the provider for the true state of an order, and does what follows (R26).
    ///
    /// # Errors
    /// [`Denied::NotFound`] for another's; [`Failure::ProviderUnavailable`].
    pub async fn refresh_order(&self, account: Account, id: OrderId) -> Result<Order, Denied> {
        let engine = self.clone();
        to_the_end(async move {
            let incarnation = engine.incarnation()?;
            let entry = incarnation.candidate(account.candidate);
            let order = found(&entry, id)?;
            if *order.state() == State::Attaching {
                return Ok(order);
            }
            let heard = query(&incarnation, &order).await;
            let heard = heard.map_err(|_| Failure::ProviderUnavailable)?;
            let turn = entry.take_turn().await;
            tell(&incarnation, &entry, id, &Command::Hear(heard), &turn).await??;
            drop(turn);
            let is_told = |order: &Order| match order.state() {
                State::Paid { .. } | State::Closed { .. } => !order.keeps_holds(),
                State::Attaching | State::Placed { .. } | State::Payable { .. } | State::Closing { .. } => {
                    true
                }
            };
            wait_for(&entry, id, is_told).await;
            found(&entry, id)
        })
        .await
    }
}

/// What the candidate's turn comes to.
async fn ask(
    incarnation: &Arc<Incarnation>,
    entry: &Arc<CandidateEntry>,
    request: OrderRequest,
) -> Result<OrderAnswer, Denied> {
    let turn = entry.take_turn().await;
    if let Some(answer) = entry.read(|candidate| remembered(candidate, &request))? {
        return Ok(answer);
    }
    let note = request
        .key
        .map(|key| entry.read(|candidate| candidate.note_key(key.key, key.body)));
    let said = verdict(incarnation, entry, request.paper, request.method).ok_or(Failure::Internal)?;
    match said {
        OrderVerdict::Refused(refusal) => Err(refusal.into()),
        OrderVerdict::Existing(id) => {
            let order = found(entry, id)?;
            if let Some(key) = note {
                let remembered = payment::Event::OrderKeyRemembered {
                    order: id,
                    candidate: entry.id,
                    key,
                };
                incarnation
                    .record(cell(incarnation, &order)?, [remembered])
                    .await?;
            }
            Ok(OrderAnswer::Existing(order))
        }
        OrderVerdict::EndFirst(id) => {
            let why = Why::MethodChanged;
            tell(incarnation, entry, id, &Command::Close { why }, &turn).await??;
            Ok(OrderAnswer::EndsFirst(found(entry, id)?))
        }
        OrderVerdict::Open(opening) => {
            let id = open(incarnation, entry, opening, note, &turn).await?;
            let order = found(entry, id)?;
            if let Some(refusal) = with_pools(incarnation, entry, &order, Step::Attach, &turn).await? {
                return Err(not_kept(refusal).into());
            }
            Ok(OrderAnswer::Created(found(entry, id)?))
        }
    }
}

/// The refusal of a pool, as the contract's codes of orders say it.
fn not_kept(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::AlreadyPaid | Refusal::AlreadyGone | Refusal::UnknownClaim => Refusal::NothingDue,
        other => other,
    }
}

/// The answer that the same key got before. The order is shown as it is now: what has become of it is what matters.
fn remembered(candidate: &Candidate, request: &OrderRequest) -> Result<Option<OrderAnswer>, Denied> {
    let Some((note, answer)) = request.key.and_then(|key| candidate.keys().find(key.key)) else {
        return Ok(None);
    };
    if request.key.is_none_or(|key| key.body != note.body) {
        return Err(Denied::IdempotencyMismatch);
    }
    let (KeyAnswer::Ordered(id) | KeyAnswer::OrderFound(id)) = answer else {
        return Err(Denied::IdempotencyMismatch);
    };
    let order = candidate.order(*id).cloned().ok_or(Failure::Internal)?;
    let never_sent = matches!(
        order.state(),
        State::Closed {
            why: Why::NeverSent,
            ..
        }
    );
    if never_sent {
        return Err(Refusal::NothingDue.into());
    }
    Ok(Some(match answer {
        KeyAnswer::Ordered(_) => OrderAnswer::Created(order),
        _ => OrderAnswer::Existing(order),
    }))
}

fn found(entry: &CandidateEntry, id: OrderId) -> Result<Order, Denied> {
    entry
        .read(|candidate| candidate.order(id).cloned())
        .ok_or(Denied::NotFound)
}

fn cell(incarnation: &Incarnation, order: &Order) -> Result<Cell, Failure> {
    let first = order.claims().first().ok_or(Failure::Internal)?;
    cell_of(incarnation, first.claim)
}

/// Waits a little for what is done about an order; whether it was.
async fn wait_for(entry: &CandidateEntry, id: OrderId, done: impl Fn(&Order) -> bool) -> bool {
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            let changed = entry.orders_changed.notified();
            if entry.read(|candidate| candidate.order(id).is_none_or(&done)) {
                return;
            }
            changed.await;
        }
    });
    waited.await.is_ok()
}
