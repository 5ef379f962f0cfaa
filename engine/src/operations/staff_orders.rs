//! Orders, as staff see them: what is settling (R27), refunds (R28, R29).

use std::sync::Arc;

use kaowei_core::ids::{CandidateId, ClaimId, OrderId};
use kaowei_core::payment::{Command, Order, Refund, RefundCause};
use kaowei_core::seats::Refusal;
use kaowei_core::sites::Scope;
use kaowei_core::time::Moment;

use super::Staff;
use super::claims::view;
use super::enrolments::to_the_end;
use crate::Engine;
use crate::candidate_entry::CandidateEntry;
use crate::failure::{Denied, Failure};
use crate::fault::Fault;
use crate::incarnation::Incarnation;
use crate::payment::tell;
use crate::views::ClaimView;

/// The longest reason, in characters.
const REASON_MAX: usize = 500;

/// A hold that is kept for nothing but its order's end (R27).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settling {
    /// The claim.
    pub claim: ClaimView,
    /// Whose.
    pub candidate: CandidateId,
    /// The order that has to end.
    pub order: OrderId,
    /// Since when.
    pub since: Moment,
}

/// Money on its way back (R28).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedRefund {
    /// The order.
    pub order: OrderId,
    /// Whose.
    pub candidate: CandidateId,
    /// The refund.
    pub refund: Refund,
}

impl Engine {
    /// What is settling below a scope, longest first.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`] while recovery runs.
    pub fn settling(&self, staff: &Staff) -> Result<Vec<Settling>, Failure> {
        let incarnation = self.incarnation()?;
        let now = incarnation.now();
        let mut settling = Vec::new();
        for order in incarnation.worked_on() {
            let Some(entry) = incarnation.owner_of(order) else {
                continue;
            };
            let claims: Vec<_> = entry.read(|candidate| {
                let attached = candidate.claims().iter();
                let attached = attached.filter(|claim| claim.attached.is_some_and(|to| to.order == order));
                attached
                    .filter_map(|claim| Some((*claim, claim.settling_since(now)?)))
                    .collect()
            });
            for (standing, since) in claims {
                if covers(&incarnation, staff.scope, standing.id) {
                    settling.push(Settling {
                        claim: view(&incarnation, standing),
                        candidate: entry.id,
                        order,
                        since,
                    });
                }
            }
        }
        settling.sort_by_key(|settling| (settling.since, settling.claim.standing.id));
        Ok(settling)
    }

    /// Refunds below a scope that are not done yet, by their ids.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`] while recovery runs.
    pub fn unfinished_refunds(&self, staff: &Staff) -> Result<Vec<UnfinishedRefund>, Failure> {
        let incarnation = self.incarnation()?;
        let mut unfinished = Vec::new();
        for id in incarnation.worked_on() {
            let Some(entry) = incarnation.owner_of(id) else {
                continue;
            };
            entry.read(|candidate| {
                let order = candidate.order(id);
                let Some(order) = order.filter(|order| lies_below(&incarnation, staff.scope, order)) else {
                    return;
                };
                let refunds = order.refunds().iter().filter(|refund| refund.is_unfinished());
                unfinished.extend(refunds.map(|refund| UnfinishedRefund {
                    order: id,
                    candidate: entry.id,
                    refund: refund.clone(),
                }));
            });
        }
        unfinished.sort_by_key(|unfinished| unfinished.refund.id);
        Ok(unfinished)
    }

    /// An order with a claim below a scope.
    ///
    /// # Errors
    /// [`Denied::NotFound`], [`Denied::OutOfScope`].
    pub fn staff_order(&self, staff: &Staff, id: OrderId) -> Result<Order, Denied> {
        let incarnation = self.incarnation()?;
        let (_, order) = find(&incarnation, id)?;
        if lies_below(&incarnation, staff.scope, &order) {
            Ok(order)
        } else {
            Err(Denied::OutOfScope)
        }
    }

    /// Takes paid seats back and refunds them (R29): all that the order has paid, or one claim.
    ///
    /// # Errors
    /// [`Denied::NotFound`], [`Denied::OutOfScope`]; [`Denied::Invalid`] for a reason that is empty or too long; the
    /// refusals of [`kaowei_core::registration::Candidate::may_refund`].
    pub async fn refund_order(
        &self,
        staff: &Staff,
        id: OrderId,
        claim: Option<ClaimId>,
        reason: &str,
    ) -> Result<Order, Denied> {
        if let Some(fault) = Fault::of_text(reason, 1, REASON_MAX) {
            return Err(Denied::wrong("/reason", fault));
        }
        let (engine, staff, reason): (_, _, Arc<str>) = (self.clone(), staff.clone(), reason.into());
        to_the_end(async move {
            let incarnation = engine.incarnation()?;
            let (entry, order) = find(&incarnation, id)?;
            let wanted = |ordered: &ClaimId| claim.is_none_or(|claim| claim == *ordered);
            let claims = order.claims().iter().map(|ordered| ordered.claim);
            let mut claims: Vec<ClaimId> = claims.filter(wanted).collect();
            if claims.is_empty() {
                return Err(Denied::NotFound);
            }
            if !claims
                .iter()
                .all(|claim| covers(&incarnation, staff.scope, *claim))
            {
                return Err(Denied::OutOfScope);
            }
            let turn = entry.take_turn().await;
            if claim.is_none() {
                // What went back before does not keep the rest from going.
                claims.retain(|claim| {
                    entry.read(|candidate| candidate.order(id).is_some_and(|order| order.settles(*claim)))
                });
                if claims.is_empty() {
                    return Err(Refusal::NothingDue.into());
                }
            }
            for claim in &claims {
                entry.read(|candidate| candidate.may_refund(id, *claim))?;
            }
            for claim in claims {
                let cause = RefundCause::Staff {
                    by: staff.by(),
                    reason: reason.clone(),
                };
                let ask = Command::AskRefund { claim, cause };
                tell(&incarnation, &entry, id, &ask, &turn).await??;
            }
            find(&incarnation, id).map(|(_, order)| order)
        })
        .await
    }
}

fn find(incarnation: &Arc<Incarnation>, id: OrderId) -> Result<(Arc<CandidateEntry>, Order), Denied> {
    let entry = incarnation.owner_of(id).ok_or(Denied::NotFound)?;
    let order = entry.read(|candidate| candidate.order(id).cloned());
    Ok((entry, order.ok_or(Denied::NotFound)?))
}

/// Whether one of its claims does.
fn lies_below(incarnation: &Incarnation, scope: Scope, order: &Order) -> bool {
    let mut claims = order.claims().iter();
    claims.any(|ordered| covers(incarnation, scope, ordered.claim))
}

fn covers(incarnation: &Incarnation, scope: Scope, claim: ClaimId) -> bool {
    let pool = incarnation.pool(claim.pool);
    pool.is_some_and(|pool| scope.covers(pool.facts.site))
}
