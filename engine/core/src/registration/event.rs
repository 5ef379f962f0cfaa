//! What happened in a cell outside its pools: to candidates, to the sitting, by staff. Pseudonyms only (R35).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{AnsweredEnrolment, Application, Enrolment, ReviewDecision, ScoreReportChoice};
use crate::ids::{CampusCode, CandidateId, ClaimId, RecordId, RecordVersion, StaffAccountId};
use crate::seats::By;
use crate::sites::{Campus, Scope, Site, Sitting};
use crate::stored::{KeyNote, events};
use crate::time::{Moment, Span};

/// What a file held that staff imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportKind {
    /// Campuses.
    Campuses,
    /// Pools.
    Pools,
    /// Student records.
    Students,
    /// CET4 results.
    #[serde(rename = "cet4-results")]
    Cet4Results,
}

impl ImportKind {
    /// As the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Campuses => "campuses",
            Self::Pools => "pools",
            Self::Students => "students",
            Self::Cet4Results => "cet4-results",
        }
    }
}

events! {
    /// Something that happened in a cell outside its pools.
    pub enum Event;

    /// A candidate accepted the agreement (R2).
    AgreementAccepted = "agreement_accepted" {
        /// Who.
        candidate: CandidateId,
        /// Which version.
        version: Arc<str>,
    }
    /// Account and student record were bound (R8).
    Enrolled = "enrolled" {
        /// Who.
        candidate: CandidateId,
        /// The record.
        record: RecordId,
        /// The version of it that was confirmed.
        record_version: RecordVersion,
        /// The record's campus.
        campus: CampusCode,
        /// Its school and province.
        site: Site,
        /// From when on it is deleted if it has no active claim (R9).
        delete_after: Moment,
        /// The idempotency key it came with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyNote>,
    }
    /// An enrolment was deleted, by its candidate (R10) or because its time was over (R9).
    EnrolmentDeleted = "enrolment_deleted" {
        /// Whose.
        candidate: CandidateId,
        /// Who.
        by: By,
    }
    /// An enrolment is kept for longer (1.4, R33).
    EnrolmentExtended = "enrolment_extended" {
        /// Whose.
        candidate: CandidateId,
        /// From when on it is deleted now.
        delete_after: Moment,
        /// Who.
        by: By,
        /// Why.
        reason: Arc<str>,
    }
    /// The forms of score reports were chosen (R24, R31).
    ScoreReportsChosen = "score_reports_chosen" {
        /// Who.
        candidate: CandidateId,
        /// Which; what is not named stays.
        choices: SmallVec<[ScoreReportChoice; 2]>,
    }
    /// Quick print was switched (R31).
    QuickPrintSet = "quick_print_set" {
        /// Who.
        candidate: CandidateId,
        /// On or off.
        enabled: bool,
    }
    /// A new idempotency key was answered with an existing enrolment.
    EnrolmentKeyRemembered = "enrolment_key_remembered" {
        /// Whose key.
        candidate: CandidateId,
        /// The key.
        key: KeyNote,
        /// The enrolment as the answer showed it.
        answered: Box<AnsweredEnrolment>,
    }
    /// A hold's payment deadline is near, and its candidate is told (R36).
    DeadlineNear = "deadline_near" {
        /// Whose.
        candidate: CandidateId,
        /// Which claim.
        claim: ClaimId,
        /// Its deadline.
        held_until: Moment,
        /// How long before it this was due.
        lead: Span,
    }
    /// A review of the eligibility for CET6 was applied for (R6). What was sent with it is kept elsewhere.
    ReviewApplied = "review_applied" {
        /// For whom.
        candidate: CandidateId,
        /// The how-manieth application of the review.
        number: u32,
        /// The school and province of the record.
        site: Site,
        /// Whether a CET4 result is the candidate's, so that it is approved at once; else staff are to decide.
        matched: bool,
        /// Who: the candidate, or staff on his behalf.
        by: By,
        /// Why staff did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Arc<str>>,
        /// The idempotency key it came with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyNote>,
    }
    /// Staff decided about a review (R7).
    ReviewDecided = "review_decided" {
        /// Whose.
        candidate: CandidateId,
        /// What was applied for.
        application: Box<Application>,
        /// What was decided.
        decision: ReviewDecision,
        /// Who.
        by: By,
        /// Why.
        reason: Arc<str>,
        /// The idempotency key it came with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyNote>,
    }
    /// A review that was rejected was deleted (R7).
    ReviewDeleted = "review_deleted" {
        /// Whose.
        candidate: CandidateId,
        /// Who.
        by: By,
    }
    /// The sitting was set.
    SittingSaved = "sitting_saved" {
        /// As it is now.
        sitting: Box<Sitting>,
        /// Who.
        by: By,
    }
    /// A campus was added or changed.
    CampusSaved = "campus_saved" {
        /// As it is now.
        campus: Box<Campus>,
        /// Who.
        by: By,
    }
    /// A file of persons' data was imported; the data is kept elsewhere.
    Imported = "imported" {
        /// What.
        kind: ImportKind,
        /// Lines taken.
        accepted: u64,
        /// Lines refused.
        rejected: u64,
        /// Who.
        by: By,
    }
    /// A member of staff was given an account (R32). Name and login are kept elsewhere.
    StaffAccountCreated = "staff_account_created" {
        /// The account.
        account: StaffAccountId,
        /// How far it sees.
        scope: Scope,
        /// Who gave it.
        by: By,
        /// Why, if said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Arc<str>>,
    }
    /// An account of a member of staff ended, and all its tokens with it.
    StaffAccountRevoked = "staff_account_revoked" {
        /// The account.
        account: StaffAccountId,
        /// Who ended it.
        by: By,
        /// Why, if said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Arc<str>>,
    }
    /// Expiry was suspended (1.4).
    ExpirySuspended = "expiry_suspended" {
        /// Who.
        by: By,
        /// Why.
        reason: Arc<str>,
    }
    /// Expiry was resumed (1.4).
    ExpiryResumed = "expiry_resumed" {
        /// Who.
        by: By,
        /// Why.
        reason: Arc<str>,
    }
}

impl Event {
    /// The enrolment that it makes at that instant, if it makes one.
    pub fn enrolment(&self, saved_at: Moment) -> Option<Enrolment> {
        match self {
            Self::Enrolled {
                record,
                record_version,
                campus,
                site,
                delete_after,
                ..
            } => Some(Enrolment {
                record: *record,
                record_version: *record_version,
                campus: *campus,
                site: *site,
                saved_at,
                delete_after: *delete_after,
            }),
            _ => None,
        }
    }

    /// The candidate whom it concerns, if it concerns one.
    pub fn candidate(&self) -> Option<CandidateId> {
        match self {
            Self::AgreementAccepted { candidate, .. }
            | Self::Enrolled { candidate, .. }
            | Self::EnrolmentDeleted { candidate, .. }
            | Self::EnrolmentExtended { candidate, .. }
            | Self::EnrolmentKeyRemembered { candidate, .. }
            | Self::DeadlineNear { candidate, .. }
            | Self::ReviewApplied { candidate, .. }
            | Self::ReviewDecided { candidate, .. }
            | Self::ReviewDeleted { candidate, .. }
            | Self::ScoreReportsChosen { candidate, .. }
            | Self::QuickPrintSet { candidate, .. } => Some(*candidate),
            Self::SittingSaved { .. }
            | Self::CampusSaved { .. }
            | Self::Imported { .. }
            | Self::StaffAccountCreated { .. }
            | Self::StaffAccountRevoked { .. }
            | Self::ExpirySuspended { .. }
            | Self::ExpiryResumed { .. } => None,
        }
    }
}
