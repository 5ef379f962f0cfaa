//! The review of the eligibility for CET6, as the candidate sees it (R5–R7, S8–S10).
//!
//! What came with an application is stored before the event that tells of it, under the application's number: a crash in
//! between leaves a ticket that nobody asks for, which the next application replaces.

use std::sync::Arc;

use kaowei_core::ids::{Cell, PoolId};
use kaowei_core::registration::{
    Applying, Candidate, Eligibility, Event, KeyAnswer, Match, Review, ReviewState,
};
use kaowei_core::seats::{By, Refusal};
use kaowei_core::sites::Sitting;
use kaowei_core::stored::KeyNote;
use kaowei_core::time::Moment;

use super::KeyHashes;
use super::enrolments::{sitting, to_the_end};
use crate::Engine;
use crate::candidate_entry::CandidateEntry;
use crate::failure::{Denied, Failure};
use crate::fault::Fault;
use crate::incarnation::Incarnation;
use crate::people::{forget_tickets, keep_ticket, match_of};
use crate::views::{Account, ReviewStatus};

/// The longest ticket number, in characters: as long as one of an imported result.
const TICKET_MAX: usize = 32;

/// An application as it is sent.
#[derive(Debug, Clone)]
pub struct ReviewRequest {
    /// The ticket number of the CET4 exam that was passed.
    pub ticket: String,
    /// The idempotency key it came with.
    pub key: Option<KeyHashes>,
}

impl Engine {
    /// Applies for a review with the ticket of a CET4 exam (R6): approved at once where its result is the candidate's,
    /// for staff to decide where only the name is.
    ///
    /// # Errors
    /// Refusals of agreement, record, window, eligibility and of a review that stands in the way, in that order;
    /// [`Refusal::NoMatchingResult`], after which nothing is stored.
    pub async fn apply_for_review(&self, account: Account, request: ReviewRequest) -> Result<Review, Denied> {
        check_ticket(&request.ticket)?;
        let engine = self.clone();
        to_the_end(async move { engine.submit(account, request).await }).await
    }

    async fn submit(&self, account: Account, request: ReviewRequest) -> Result<Review, Denied> {
        let incarnation = self.incarnation()?;
        let sitting = sitting(&incarnation)?;
        let entry = incarnation.candidate(account.candidate);
        let _turn = entry.take_turn().await;
        if let Some(review) = remembered(&entry, request.key)? {
            return Ok(review);
        }
        require_agreement(&entry, &sitting)?;
        let eligibility = self.record_allows(&incarnation, account, &entry).await?;
        let at = incarnation.now();
        let applying = Applying {
            sitting: &sitting,
            eligibility: &eligibility,
            would_open: would_open(&incarnation, &sitting, &eligibility),
            now: at,
        };
        let number = entry.read(|candidate| candidate.may_apply_for_review(&applying))?;

        let store = &self.inner.store;
        let person = self.inner.accounts.details(account.candidate).await?.person;
        let matched = match_of(store, &request.ticket, &person).await?;
        let matched = matched.ok_or(Refusal::NoMatchingResult)?;
        keep_ticket(store, entry.id, number, &request.ticket).await?;
        let applied = Event::ReviewApplied {
            candidate: entry.id,
            number,
            site: eligibility.site,
            matched: matched == Match::IdNumber,
            by: By::Candidate,
            reason: None,
            key: note(&entry, request.key),
        };
        record(&incarnation, account.province, applied, at).await
    }

    /// The own review.
    ///
    /// # Errors
    /// [`Refusal::AgreementRequired`], [`Refusal::UnknownReview`].
    pub fn review(&self, account: Account) -> Result<Review, Denied> {
        let incarnation = self.incarnation()?;
        let entry = incarnation.candidate(account.candidate);
        require_agreement(&entry, &*sitting(&incarnation)?)?;
        let review = entry.read(|candidate| candidate.review().cloned());
        Ok(review.ok_or(Refusal::UnknownReview)?)
    }

    /// Deletes a review that was rejected, with all that was sent for it (R7).
    ///
    /// # Errors
    /// [`Refusal::AgreementRequired`], [`Refusal::UnknownReview`], [`Refusal::ReviewExists`].
    pub async fn delete_review(&self, account: Account) -> Result<(), Denied> {
        let engine = self.clone();
        to_the_end(async move { engine.delete_rejected(account).await }).await
    }

    async fn delete_rejected(&self, account: Account) -> Result<(), Denied> {
        let incarnation = self.incarnation()?;
        let entry = incarnation.candidate(account.candidate);
        let _turn = entry.take_turn().await;
        require_agreement(&entry, &*sitting(&incarnation)?)?;
        entry.read(Candidate::may_delete_review)?;
        // Whoever asked to be forgotten is forgotten first: should the event fail, a repeat finds the review.
        forget_tickets(&self.inner.store, entry.id).await?;
        let deleted = Event::ReviewDeleted {
            candidate: entry.id,
            by: By::Candidate,
        };
        Ok(incarnation.record(account.province, vec![deleted]).await?)
    }

    /// What the candidate's record allows now: the bound one, else the one that matches the account.
    pub(super) async fn record_allows(
        &self,
        incarnation: &Arc<Incarnation>,
        account: Account,
        entry: &Arc<CandidateEntry>,
    ) -> Result<Arc<Eligibility>, Denied> {
        self.look_up_eligibility(incarnation, entry).await?;
        if let Some(eligibility) = entry.eligibility() {
            return Ok(eligibility);
        }
        let found = self.matching_record(account, entry).await?;
        Ok(Arc::new(found.eligibility.clone()))
    }
}

/// Whether an approved review would open a pool to the candidate (R5).
pub(super) fn would_open(incarnation: &Incarnation, sitting: &Sitting, eligibility: &Eligibility) -> bool {
    let Some(subject) = sitting.cet6().map(|subject| subject.code) else {
        return false;
    };
    let mut pools = eligibility.campuses().iter().filter_map(|campus| {
        let campus = *campus;
        incarnation.pool(PoolId { campus, subject })
    });
    pools.any(|pool| eligibility.review_would_open(&pool.facts))
}

/// How the review stands beside what the record allows; one that is approved is open to nobody any more.
pub(super) fn status(
    incarnation: &Incarnation,
    sitting: &Sitting,
    entry: &CandidateEntry,
    eligibility: Option<&Eligibility>,
) -> ReviewStatus {
    let state = entry.read(|candidate| candidate.review().map(Review::state));
    let is_open = eligibility.is_some_and(|eligibility| would_open(incarnation, sitting, eligibility));
    ReviewStatus {
        available: is_open && state != Some(ReviewState::Approved),
        state,
    }
}

/// The answer that the same key got before.
pub(super) fn remembered(entry: &CandidateEntry, key: Option<KeyHashes>) -> Result<Option<Review>, Denied> {
    let Some(key) = key else { return Ok(None) };
    entry.read(|candidate| match candidate.keys().find(key.key) {
        None => Ok(None),
        Some((note, KeyAnswer::Reviewed(review))) if note.body == key.body => Ok(Some((**review).clone())),
        Some(_) => Err(Denied::IdempotencyMismatch),
    })
}

/// The note to remember a key by.
pub(super) fn note(entry: &CandidateEntry, key: Option<KeyHashes>) -> Option<KeyNote> {
    key.map(|key| entry.read(|candidate| candidate.note_key(key.key, key.body)))
}

/// Makes an event about a review durable; the review that it leaves.
pub(super) async fn record(
    incarnation: &Arc<Incarnation>,
    cell: Cell,
    event: Event,
    at: Moment,
) -> Result<Review, Denied> {
    let review = Review::after(&event, at).ok_or(Failure::Internal)?;
    incarnation.record_at(cell, vec![event], at).await?;
    Ok(review)
}

pub(super) fn check_ticket(ticket: &str) -> Result<(), Denied> {
    match Fault::of_text(ticket, 1, TICKET_MAX) {
        None => Ok(()),
        Some(fault) => Err(Denied::wrong("/cet4_ticket", fault)),
    }
}

fn require_agreement(entry: &CandidateEntry, sitting: &Sitting) -> Result<(), Refusal> {
    if entry.read(|candidate| candidate.has_agreed(&sitting.agreement.version)) {
        Ok(())
    } else {
        Err(Refusal::AgreementRequired)
    }
}
