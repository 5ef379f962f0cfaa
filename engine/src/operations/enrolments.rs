//! Agreement, qualification and enrolment (R2–R10).

use std::sync::Arc;

use kaowei_core::ids::RecordVersion;
use kaowei_core::registration::{
    Agreed, AnsweredEnrolment, Candidate, Eligibility, Enrolment, Event, KeyAnswer,
};
use kaowei_core::seats::{By, Command, Refusal, RemovalCause};
use kaowei_core::sites::Sitting;
use tokio::sync::oneshot;

use super::KeyHashes;
use super::claims::view;
use super::reviews::status;
use crate::Engine;
use crate::actors::Ask;
use crate::candidate_entry::CandidateEntry;
use crate::failure::{Denied, Failure};
use crate::fault::Fault;
use crate::incarnation::Incarnation;
use crate::journal::Fate;
use crate::people::Found;
use crate::views::{Account, ClaimView, Enrolled, EnrolmentView, Qualification};

/// The saving of an enrolment as it is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct EnrolRequest {
    /// The version of the record that the candidate saw; any when absent.
    pub record_version: Option<RecordVersion>,
    /// The idempotency key it came with.
    pub key: Option<KeyHashes>,
}

impl Engine {
    /// Accepts the agreement in force (R2).
    ///
    /// # Errors
    /// [`Denied::Invalid`] for another version than the one in force.
    pub async fn accept_agreement(&self, account: Account, version: &str) -> Result<Agreed, Denied> {
        let (engine, version) = (self.clone(), version.to_owned());
        to_the_end(async move { engine.accept(account, &version).await }).await
    }

    async fn accept(&self, account: Account, version: &str) -> Result<Agreed, Denied> {
        let incarnation = self.incarnation()?;
        let sitting = sitting(&incarnation)?;
        if sitting.agreement.version != version {
            let in_force = sitting.agreement.version.clone();
            return Err(Denied::wrong("/version", Fault::OtherAgreement { in_force }));
        }
        let entry = incarnation.candidate(account.candidate);
        let _turn = entry.take_turn().await;
        let accepted = |entry: &CandidateEntry| {
            entry.read(|candidate| {
                candidate
                    .agreed()
                    .filter(|_| candidate.has_agreed(version))
                    .cloned()
            })
        };
        if let Some(agreed) = accepted(&entry) {
            return Ok(agreed);
        }
        let event = Event::AgreementAccepted {
            candidate: entry.id,
            version: version.into(),
        };
        incarnation.record(account.province, vec![event]).await?;
        accepted(&entry).ok_or(Denied::Failed(Failure::Internal))
    }

    /// The student record that matches the account, and what it allows (R3, R4).
    ///
    /// # Errors
    /// [`Refusal::AgreementRequired`], [`Refusal::NoStudentRecord`].
    pub async fn qualification(&self, account: Account) -> Result<Qualification, Denied> {
        let incarnation = self.incarnation()?;
        let sitting = sitting(&incarnation)?;
        let entry = incarnation.candidate(account.candidate);
        if !entry.read(|candidate| candidate.has_agreed(&sitting.agreement.version)) {
            return Err(Refusal::AgreementRequired.into());
        }
        let found = self.matching_record(account, &entry).await?;
        let record = self.inner.students.version(found.record, found.version).await?;
        let granted = entry.read(|candidate| candidate.granted(&sitting));
        Ok(Qualification {
            record,
            record_version: found.version,
            review: status(&incarnation, &sitting, &entry, Some(&found.eligibility)),
            eligible_subjects: found.eligibility.subjects(&sitting, granted).cloned().collect(),
        })
    }

    pub(super) async fn matching_record(
        &self,
        account: Account,
        entry: &CandidateEntry,
    ) -> Result<Arc<Found>, Denied> {
        let students = &self.inner.students;
        let imports = students.imports();
        if let Some(found) = entry.found(imports) {
            return Ok(found);
        }
        let details = self.inner.accounts.details(account.candidate).await?;
        let found = Arc::new(
            students
                .matching(&details)
                .await?
                .ok_or(Refusal::NoStudentRecord)?,
        );
        entry.remember_found(imports, Some(found.clone()));
        Ok(found)
    }

    /// Binds account and student record (R8).
    ///
    /// # Errors
    /// Refusals of agreement, record, window, eligibility and binding, in that order.
    pub async fn enrol(&self, account: Account, request: EnrolRequest) -> Result<Enrolled, Denied> {
        let engine = self.clone();
        to_the_end(async move { engine.save(account, request).await }).await
    }

    async fn save(&self, account: Account, request: EnrolRequest) -> Result<Enrolled, Denied> {
        let incarnation = self.incarnation()?;
        let sitting = sitting(&incarnation)?;
        let entry = incarnation.candidate(account.candidate);
        let _turn = entry.take_turn().await;
        if let Some(answer) = remembered(&entry, &request)? {
            return self.show(&incarnation, &entry, answer).await;
        }
        if let Some(found) = existing(&incarnation, &entry) {
            let answer = self
                .show(&incarnation, &entry, KeyAnswer::AlreadyEnrolled(found.clone()))
                .await?;
            if let Some(key) = request.key {
                remember(&incarnation, &entry, key, found).await?;
            }
            return Ok(answer);
        }
        if !entry.read(|candidate| candidate.has_agreed(&sitting.agreement.version)) {
            return Err(Refusal::AgreementRequired.into());
        }

        let found = self.matching_record(account, &entry).await?;
        let saved_at = incarnation.now();
        let enrolment = Enrolment {
            record: found.record,
            record_version: found.version,
            campus: found.eligibility.campus,
            site: found.eligibility.site,
            saved_at,
            delete_after: saved_at + sitting.enrolment_span(),
        };
        entry.read(|candidate| candidate.enrol(enrolment, &sitting, &found.eligibility))?;
        if request.record_version.is_some_and(|seen| seen != found.version) {
            return Err(Refusal::RecordChanged(found.version).into());
        }
        incarnation
            .bind(found.record, entry.id)
            .map_err(|_| Refusal::RecordTaken)?;
        let saved = self
            .save_enrolment(&incarnation, &entry, enrolment, request.key)
            .await;
        if saved.is_err() {
            incarnation.unbind(found.record, entry.id);
        }
        saved?;
        entry.remember_found(0, None);
        self.show(&incarnation, &entry, KeyAnswer::Enrolled(Box::new(enrolment)))
            .await
    }

    /// What saving an enrolment is answered with, and a repeat with the same key whatever happened since.
    async fn show(
        &self,
        incarnation: &Arc<Incarnation>,
        entry: &Arc<CandidateEntry>,
        answer: KeyAnswer,
    ) -> Result<Enrolled, Denied> {
        let (created, enrolment, claims) = match answer {
            KeyAnswer::Enrolled(saved) => (true, *saved, Vec::new()),
            KeyAnswer::AlreadyEnrolled(found) => (false, found.enrolment, found.claims),
            KeyAnswer::Made(_)
            | KeyAnswer::Existing(_)
            | KeyAnswer::WrittenRequired
            | KeyAnswer::Reviewed(_)
            | KeyAnswer::Ordered(_)
            | KeyAnswer::OrderFound(_) => {
                return Err(Denied::IdempotencyMismatch);
            }
        };
        let claims = claims.into_iter().map(ClaimView::from).collect();
        let enrolment = self.page(incarnation, entry, enrolment, claims).await?;
        Ok(Enrolled { created, enrolment })
    }

    async fn save_enrolment(
        &self,
        incarnation: &Arc<Incarnation>,
        entry: &CandidateEntry,
        enrolment: Enrolment,
        key: Option<KeyHashes>,
    ) -> Result<(), Failure> {
        let event = Event::Enrolled {
            candidate: entry.id,
            record: enrolment.record,
            record_version: enrolment.record_version,
            campus: enrolment.campus,
            site: enrolment.site,
            delete_after: enrolment.delete_after,
            key: key.map(|key| entry.read(|candidate| candidate.note_key(key.key, key.body))),
        };
        incarnation
            .record_at(enrolment.site.province, vec![event], enrolment.saved_at)
            .await
    }

    /// The registration page in one object.
    ///
    /// # Errors
    /// [`Refusal::AgreementRequired`], [`Refusal::NotEnrolled`].
    pub async fn enrolment(&self, account: Account) -> Result<EnrolmentView, Denied> {
        let incarnation = self.incarnation()?;
        let entry = incarnation.candidate(account.candidate);
        self.enrolment_view(&incarnation, &entry).await
    }

    async fn enrolment_view(
        &self,
        incarnation: &Arc<Incarnation>,
        entry: &Arc<CandidateEntry>,
    ) -> Result<EnrolmentView, Denied> {
        let (enrolment, claims) =
            entry.read(|candidate| (candidate.enrolment().copied(), candidate.claims().to_vec()));
        let Some(enrolment) = enrolment else {
            let sitting = sitting(incarnation)?;
            return Err(not_enrolled(&sitting, entry).into());
        };
        let claims = claims
            .into_iter()
            .map(|standing| view(incarnation, standing))
            .collect();
        self.page(incarnation, entry, enrolment, claims).await
    }

    async fn page(
        &self,
        incarnation: &Arc<Incarnation>,
        entry: &Arc<CandidateEntry>,
        enrolment: Enrolment,
        claims: Vec<ClaimView>,
    ) -> Result<EnrolmentView, Denied> {
        let sitting = sitting(incarnation)?;
        let record = self
            .inner
            .students
            .version(enrolment.record, enrolment.record_version)
            .await?;
        let eligibility = self.eligibility(incarnation, entry, &enrolment).await?;
        let granted = entry.read(|candidate| candidate.granted(&sitting));
        let eligible_subjects = eligibility
            .iter()
            .flat_map(|eligibility| eligibility.subjects(&sitting, granted))
            .cloned()
            .collect();
        Ok(EnrolmentView {
            record,
            agreed: entry.read(|candidate| candidate.agreed().cloned()),
            enrolment,
            eligible_subjects,
            review: status(incarnation, &sitting, entry, eligibility.as_deref()),
            claims,
            orders: entry.read(|candidate| candidate.orders().to_vec()),
            choices: entry.read(|candidate| candidate.choices().clone()),
        })
    }

    /// What the record of an enrolment allows now, also of one that is deleted since.
    async fn eligibility(
        &self,
        incarnation: &Arc<Incarnation>,
        entry: &Arc<CandidateEntry>,
        shown: &Enrolment,
    ) -> Result<Option<Arc<Eligibility>>, Failure> {
        let bound = entry.read(|candidate| candidate.enrolment().map(|enrolment| enrolment.record));
        if bound == Some(shown.record) {
            self.look_up_eligibility(incarnation, entry).await?;
            return Ok(entry.eligibility());
        }
        let found = self.inner.students.by_id(shown.record).await?;
        Ok(found.map(|found| Arc::new(found.eligibility)))
    }

    /// Deletes the enrolment and releases all that it holds (R10).
    ///
    /// # Errors
    /// [`Refusal::AgreementRequired`], [`Refusal::NotEnrolled`]; [`Refusal::AlreadyPaid`] while anything in it is paid.
    pub async fn delete_enrolment(&self, account: Account) -> Result<(), Denied> {
        let engine = self.clone();
        to_the_end(async move { engine.delete(account).await }).await
    }

    async fn delete(&self, account: Account) -> Result<(), Denied> {
        let incarnation = self.incarnation()?;
        let entry = incarnation.candidate(account.candidate);
        let _turn = entry.take_turn().await;
        let claims = match entry.read(Candidate::may_delete_enrolment) {
            Err(Refusal::NotEnrolled) => {
                let sitting = incarnation.catalogue().sitting.clone();
                let refusal = sitting.map_or(Refusal::NotEnrolled, |sitting| not_enrolled(&sitting, &entry));
                return Err(refusal.into());
            }
            claims => claims?,
        };
        for claim in claims {
            let pool = incarnation.pool(claim.pool).ok_or(Failure::Internal)?;
            let command = Command::Remove {
                claim: claim.number,
                cause: RemovalCause::WithEnrolment,
            };
            let (done, wait) = oneshot::channel();
            let then = Box::new(move |_: &Arc<Incarnation>, fate: Fate<'_>| {
                let removed = match fate {
                    Fate::Committed { outcome, .. } => outcome.map_err(Denied::Refused),
                    Fate::Failed(failure) => Err(Denied::Failed(failure)),
                };
                done.send(removed).ok();
            });
            pool.ask(Ask { command, then })?;
            wait.await.unwrap_or(Err(Failure::StoreUnavailable.into()))?;
        }
        let event = Event::EnrolmentDeleted {
            candidate: entry.id,
            by: By::Candidate,
        };
        Ok(incarnation.record(account.province, vec![event]).await?)
    }

    /// Makes sure that an enrolled candidate's entry knows what the record allows now (R4).
    pub(super) async fn look_up_eligibility(
        &self,
        incarnation: &Arc<Incarnation>,
        entry: &Arc<CandidateEntry>,
    ) -> Result<(), Failure> {
        if entry.eligibility().is_some() {
            return Ok(());
        }
        let Some(record) = entry.read(|candidate| candidate.enrolment().map(|enrolment| enrolment.record))
        else {
            return Ok(());
        };
        let generation = entry.eligibility_generation();
        let found = self.inner.students.by_id(record).await?;
        if incarnation.bound_to(record) == Some(entry.id) {
            entry.know_eligibility(generation, found.map(|found| Arc::new(found.eligibility)));
        }
        Ok(())
    }
}

/// Does something of several steps to its end, also when whoever asked hangs up meanwhile: a candidate's turn must not
/// end before what was done in it is published.
pub(super) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Denied>> + Send + 'static,
) -> Result<T, Denied> {
    tokio::spawn(work)
        .await
        .unwrap_or(Err(Denied::Failed(Failure::Internal)))
}

/// The answer that the same key got before.
fn remembered(entry: &CandidateEntry, request: &EnrolRequest) -> Result<Option<KeyAnswer>, Denied> {
    let Some(key) = request.key else { return Ok(None) };
    entry.read(|candidate| match candidate.keys().find(key.key) {
        None => Ok(None),
        Some((note, _)) if note.body != key.body => Err(Denied::IdempotencyMismatch),
        Some((_, answer)) => Ok(Some(answer.clone())),
    })
}

/// The enrolment that is there, with the claims that are active in it.
fn existing(incarnation: &Incarnation, entry: &CandidateEntry) -> Option<Box<AnsweredEnrolment>> {
    let (enrolment, claims) =
        entry.read(|candidate| (candidate.enrolment().copied(), candidate.claims().to_vec()));
    let active = claims.into_iter().filter(|claim| claim.state.is_active());
    Some(Box::new(AnsweredEnrolment {
        enrolment: enrolment?,
        claims: active.map(|claim| view(incarnation, claim).into()).collect(),
    }))
}

/// Remembers that a new key was answered with an enrolment that was there already.
async fn remember(
    incarnation: &Arc<Incarnation>,
    entry: &CandidateEntry,
    key: KeyHashes,
    answered: Box<AnsweredEnrolment>,
) -> Result<(), Failure> {
    let cell = answered.enrolment.site.province;
    let event = Event::EnrolmentKeyRemembered {
        candidate: entry.id,
        key: entry.read(|candidate| candidate.note_key(key.key, key.body)),
        answered,
    };
    incarnation.record(cell, vec![event]).await
}

/// Why there is no enrolment: nothing past the agreement works before it is accepted (R2).
fn not_enrolled(sitting: &Sitting, entry: &CandidateEntry) -> Refusal {
    if entry.read(|candidate| candidate.has_agreed(&sitting.agreement.version)) {
        Refusal::NotEnrolled
    } else {
        Refusal::AgreementRequired
    }
}

/// The sitting; without one there is nothing to register for.
pub(super) fn sitting(incarnation: &Incarnation) -> Result<Arc<Sitting>, Denied> {
    incarnation
        .catalogue()
        .sitting
        .clone()
        .ok_or(Denied::Refused(Refusal::OutsideWindow))
}
