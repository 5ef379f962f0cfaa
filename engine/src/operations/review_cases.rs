//! Reviews as staff see them: those below their scope, with what to decide by; deciding, and applying on behalf (R6, R7,
//! R32, R33).

use kaowei_core::ids::{CandidateId, ProvinceCode};
use kaowei_core::registration::{Event, Review, ReviewDecision, ReviewState, same_name};
use kaowei_core::seats::Refusal;
use sqlx::AssertSqlSafe;

use super::enrolments::{sitting, to_the_end};
use super::exports::{below, cell_of};
use super::reviews::{check_ticket, note, record, remembered, would_open};
use super::staff::check_reason;
use super::{KeyHashes, Staff};
use crate::Engine;
use crate::failure::{Denied, Failure};
use crate::fault::Fault;
use crate::incarnation::Incarnation;
use crate::people::{Found, IdType, keep_ticket, papers};
use crate::store::on;
use crate::views::{Account, ReviewCase};

/// An application that staff make for a candidate who can't (R6): the result is from before 2005, or the ticket number
/// is forgotten.
#[derive(Debug, Clone)]
pub struct ReviewOnBehalf {
    /// The candidate's province.
    pub province: ProvinceCode,
    /// The kind of the candidate's document.
    pub id_type: IdType,
    /// Its number.
    pub id_number: String,
    /// The ticket number, where it is known.
    pub ticket: Option<String>,
    /// Why.
    pub reason: String,
    /// The idempotency key it came with.
    pub key: Option<KeyHashes>,
}

/// A decision as it is sent.
#[derive(Debug, Clone)]
pub struct ReviewVerdict {
    /// Which.
    pub decision: ReviewDecision,
    /// Why.
    pub reason: String,
    /// The idempotency key it came with.
    pub key: Option<KeyHashes>,
}

impl Engine {
    /// Reviews below the scope after one, by id, in one state or in any: all that was committed when it was asked is in
    /// them.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`].
    pub async fn reviews(
        &self,
        staff: &Staff,
        state: Option<ReviewState>,
        after: Option<CandidateId>,
        limit: usize,
    ) -> Result<Vec<ReviewCase>, Denied> {
        let incarnation = self.incarnation()?;
        self.caught_up(cell_of(&incarnation, staff.scope)).await?;
        let (condition, code) = below(staff.scope, "province", "school");
        let in_state = state.map_or_else(String::new, |state| format!(" AND state = '{}'", state.as_str()));
        let sql = format!(
            "SELECT candidate, body FROM reviews WHERE {condition}{in_state} AND candidate > $2 ORDER BY candidate LIMIT $3"
        );
        let after = after.map_or(0, |candidate| candidate.0);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows: Result<Vec<(i64, String)>, sqlx::Error> = on!(&self.inner.store.tables, pool => {
            sqlx::query_as(AssertSqlSafe(sql)).bind(code).bind(after).bind(limit).fetch_all(pool).await
        });
        let rows = rows.map_err(|error| {
            tracing::warn!(%error, "reviews can't be read");
            Failure::StoreUnavailable
        })?;
        let reviews = rows.into_iter().map(|(candidate, body)| {
            let review: Review = serde_json::from_str(&body).map_err(|error| {
                tracing::error!(candidate, %error, "a review can't be read");
                Failure::Internal
            })?;
            Ok((CandidateId(candidate), review))
        });
        let reviews: Vec<(CandidateId, Review)> = reviews.collect::<Result<_, Failure>>()?;
        let applications: Vec<(CandidateId, u32)> = reviews
            .iter()
            .map(|(candidate, review)| (*candidate, review.application().number))
            .collect();
        let mut papers = papers(&self.inner.store, &applications).await?;
        let case = |(candidate, review)| ReviewCase {
            candidate,
            review,
            papers: papers.remove(&candidate),
        };
        Ok(reviews.into_iter().map(case).collect())
    }

    /// Whether a review lies below the scope.
    ///
    /// # Errors
    /// [`Denied::NotFound`], [`Denied::OutOfScope`].
    pub fn review_below(&self, staff: &Staff, candidate: CandidateId) -> Result<(), Denied> {
        let entry = self.incarnation()?.known_candidate(candidate);
        let entry = entry.ok_or(Denied::NotFound)?;
        let site = entry.read(|candidate| candidate.review().map(|review| review.application().site));
        if staff.scope.covers(site.ok_or(Denied::NotFound)?) {
            Ok(())
        } else {
            Err(Denied::OutOfScope)
        }
    }

    /// Decides about a review that is pending (R7).
    ///
    /// # Errors
    /// [`Denied::NotFound`], [`Denied::OutOfScope`]; [`Refusal::ReviewExists`] for one that is decided already.
    pub async fn decide_review(
        &self,
        staff: &Staff,
        candidate: CandidateId,
        verdict: ReviewVerdict,
    ) -> Result<Review, Denied> {
        check_reason(&verdict.reason)?;
        let (engine, staff) = (self.clone(), staff.clone());
        to_the_end(async move { engine.decide(&staff, candidate, verdict).await }).await
    }

    async fn decide(
        &self,
        staff: &Staff,
        candidate: CandidateId,
        verdict: ReviewVerdict,
    ) -> Result<Review, Denied> {
        let incarnation = self.incarnation()?;
        let entry = incarnation.known_candidate(candidate).ok_or(Denied::NotFound)?;
        let _turn = entry.take_turn().await;
        if let Some(review) = remembered(&entry, verdict.key)? {
            return Ok(review);
        }
        self.review_below(staff, candidate)?;
        let application = entry.read(|candidate| candidate.may_decide_review().cloned())?;
        let cell = application.site.province;
        let decided = Event::ReviewDecided {
            candidate,
            application: Box::new(application),
            decision: verdict.decision,
            by: staff.by(),
            reason: verdict.reason.into(),
            key: note(&entry, verdict.key),
        };
        record(&incarnation, cell, decided, incarnation.now()).await
    }

    /// Applies on a candidate's behalf, for staff to decide (R6). Nothing is looked up: what staff have seen they decide
    /// by.
    ///
    /// # Errors
    /// [`Refusal::NoStudentRecord`], [`Denied::OutOfScope`], [`Denied::NotFound`] where the student has no account,
    /// then the refusals of eligibility and of a review that stands in the way.
    pub async fn apply_on_behalf(
        &self,
        staff: &Staff,
        request: ReviewOnBehalf,
    ) -> Result<(CandidateId, Review), Denied> {
        check_reason(&request.reason)?;
        if let Some(ticket) = &request.ticket {
            check_ticket(ticket)?;
        }
        if !request.id_type.accepts(&request.id_number) {
            let fault = match request.id_type {
                IdType::ResidentId => Fault::ResidentId,
                _ => Fault::IdNumber,
            };
            return Err(Denied::wrong("/id_number", fault));
        }
        let (engine, staff) = (self.clone(), staff.clone());
        to_the_end(async move { engine.apply_for(&staff, request).await }).await
    }

    async fn apply_for(
        &self,
        staff: &Staff,
        request: ReviewOnBehalf,
    ) -> Result<(CandidateId, Review), Denied> {
        let incarnation = self.incarnation()?;
        let sitting = sitting(&incarnation)?;
        let (found, name) = self
            .inner
            .students
            .of_person(request.province, request.id_type, &request.id_number)
            .await?
            .ok_or(Refusal::NoStudentRecord)?;
        let site = found.eligibility.site;
        if !staff.scope.covers(site) {
            return Err(Denied::OutOfScope);
        }
        let account = self.account_of(&incarnation, &request, &found, &name).await?;
        let entry = incarnation.candidate(account.ok_or(Denied::NotFound)?);
        let _turn = entry.take_turn().await;
        if let Some(review) = remembered(&entry, request.key)? {
            return Ok((entry.id, review));
        }
        let is_open = would_open(&incarnation, &sitting, &found.eligibility);
        let number = entry.read(|candidate| candidate.may_be_applied_for(is_open))?;
        if let Some(ticket) = &request.ticket {
            keep_ticket(&self.inner.store, entry.id, number, ticket).await?;
        }
        let applied = Event::ReviewApplied {
            candidate: entry.id,
            number,
            site,
            matched: false,
            by: staff.by(),
            reason: Some(request.reason.into()),
            key: note(&entry, request.key),
        };
        let review = record(&incarnation, site.province, applied, incarnation.now()).await?;
        Ok((entry.id, review))
    }

    /// The account that a student registers with: the one that the record is bound to, else the latest that it matches.
    async fn account_of(
        &self,
        incarnation: &Incarnation,
        request: &ReviewOnBehalf,
        found: &Found,
        name: &str,
    ) -> Result<Option<CandidateId>, Denied> {
        if let Some(bound) = incarnation.bound_to(found.record) {
            return Ok(Some(bound));
        }
        let accounts = &self.inner.accounts;
        let of_person = accounts.of_person(request.province, request.id_type, &request.id_number);
        for account in of_person.await? {
            if self.has_name(account, name).await? {
                return Ok(Some(account.candidate));
            }
        }
        Ok(None)
    }

    async fn has_name(&self, account: Account, name: &str) -> Result<bool, Denied> {
        let details = self.inner.accounts.details(account.candidate).await?;
        Ok(same_name(&details.person.name, name))
    }
}
