//! The review of the eligibility for CET6 (R5–R7, S8–S10): one an account, approved at once where a CET4 result is the
//! applicant's, else decided by staff.
//!
//! Promises: what is approved is final; what is pending can be neither changed nor taken back; what was rejected may be
//! corrected or deleted. Each event says all that the review is afterwards, so that memory, tables and replay agree by
//! construction.
//!
//! Deliberately absent: ticket, names and results. They are persons' data, and kept apart under the candidate and the
//! application's number.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Candidate, Eligibility, Event, same_name};
use crate::ids::SubjectCode;
use crate::seats::{By, Refusal};
use crate::sites::{Site, Sitting};
use crate::time::Moment;

/// The least score that counts (R6).
const SCORE_MIN: u32 = 425;

/// The first year whose results count by themselves: of earlier ones staff decide (R6).
const YEAR_MIN: u32 = 2005;

/// A CET4 result beside its applicant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cet4Result<'a> {
    /// Whether its ID number is the applicant's.
    pub same_id_number: bool,
    /// Its name.
    pub name: &'a str,
    /// The year of the exam.
    pub year: u32,
    /// The score.
    pub score: u32,
}

/// How a result is its applicant's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// By the ID number, whatever the name: approved at once.
    IdNumber,
    /// By the name alone: staff decide.
    NameAlone,
}

impl Cet4Result<'_> {
    /// How it is the applicant's; none where it is not, or does not count (R6).
    pub fn matches(&self, applicant: &str) -> Option<Match> {
        if self.score < SCORE_MIN || self.year < YEAR_MIN {
            None
        } else if self.same_id_number {
            Some(Match::IdNumber)
        } else {
            same_name(self.name, applicant).then_some(Match::NameAlone)
        }
    }
}

/// What was applied for, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Application {
    /// The how-manieth of its review, from 1: what was sent with it is kept apart under this number.
    pub number: u32,
    /// The school and province of the applicant's record: whose staff decide.
    pub site: Site,
    /// Who applied: the candidate, or staff on his behalf.
    pub by: By,
    /// Why staff did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// When.
    pub at: Moment,
}

/// Who of the staff decided, why and when.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Decided {
    /// Who.
    pub by: By,
    /// Why.
    pub reason: Arc<str>,
    /// When.
    pub at: Moment,
}

/// A review.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Review {
    /// Staff are to decide.
    Pending(Application),
    /// CET6 may be sat.
    Approved {
        /// What was applied for.
        application: Application,
        /// Who decided; nobody where a result matched.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decided: Option<Decided>,
    },
    /// It may not; the candidate may correct the application, or delete it.
    Rejected {
        /// What was applied for.
        application: Application,
        /// Who decided.
        decided: Decided,
    },
}

/// How a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReviewState {
    /// 未复核
    Pending,
    /// 复核通过
    Approved,
    /// 复核未通过
    Rejected,
}

impl ReviewState {
    /// As the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }
}

/// What staff decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewDecision {
    /// CET6 may be sat.
    Approved,
    /// It may not.
    Rejected,
}

impl Review {
    /// The review that an event leaves at that instant; none after one that deleted it, or is about something else.
    pub fn after(event: &Event, at: Moment) -> Option<Self> {
        match event {
            Event::ReviewApplied {
                number,
                site,
                by,
                reason,
                matched,
                ..
            } => {
                let application = Application {
                    number: *number,
                    site: *site,
                    by: by.clone(),
                    reason: reason.clone(),
                    at,
                };
                Some(if *matched {
                    Self::Approved {
                        application,
                        decided: None,
                    }
                } else {
                    Self::Pending(application)
                })
            }
            Event::ReviewDecided {
                application,
                decision,
                by,
                reason,
                ..
            } => {
                let application = (**application).clone();
                let decided = Decided {
                    by: by.clone(),
                    reason: reason.clone(),
                    at,
                };
                Some(match decision {
                    ReviewDecision::Approved => Self::Approved {
                        application,
                        decided: Some(decided),
                    },
                    ReviewDecision::Rejected => Self::Rejected { application, decided },
                })
            }
            _ => None,
        }
    }

    /// How it stands.
    pub fn state(&self) -> ReviewState {
        match self {
            Self::Pending(_) => ReviewState::Pending,
            Self::Approved { .. } => ReviewState::Approved,
            Self::Rejected { .. } => ReviewState::Rejected,
        }
    }

    /// What was applied for.
    pub fn application(&self) -> &Application {
        match self {
            Self::Pending(application)
            | Self::Approved { application, .. }
            | Self::Rejected { application, .. } => application,
        }
    }

    /// Who decided, where staff did.
    pub fn decided(&self) -> Option<&Decided> {
        match self {
            Self::Pending(_) => None,
            Self::Approved { decided, .. } => decided.as_ref(),
            Self::Rejected { decided, .. } => Some(decided),
        }
    }
}

/// What an application is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Applying<'a> {
    /// The sitting.
    pub sitting: &'a Sitting,
    /// What the candidate's record allows.
    pub eligibility: &'a Eligibility,
    /// Whether an approved review would open a pool to him (R5).
    pub would_open: bool,
    /// Now.
    pub now: Moment,
}

impl Candidate {
    /// The number of the application that the candidate may make now.
    ///
    /// # Errors
    /// The refusals of agreement, window, eligibility (R5) and of a review that stands in the way (R7), in that order.
    pub fn may_apply_for_review(&self, applying: &Applying<'_>) -> Result<u32, Refusal> {
        let Applying { sitting, now, .. } = applying;
        if !self.has_agreed(&sitting.agreement.version) {
            return Err(Refusal::AgreementRequired);
        }
        let Site { province, school } = applying.eligibility.site;
        if !sitting.enrolment_is_open(province, school, *now) {
            return Err(Refusal::OutsideWindow);
        }
        self.may_be_applied_for(applying.would_open)
    }

    /// The number of the application that staff may make now on the candidate's behalf: at any time, and before he
    /// has accepted anything.
    ///
    /// # Errors
    /// The refusals of eligibility (R5) and of a review that stands in the way (R7), in that order.
    pub fn may_be_applied_for(&self, would_open: bool) -> Result<u32, Refusal> {
        if !would_open {
            return Err(Refusal::NotEligible);
        }
        match self.review() {
            None => Ok(1),
            Some(Review::Rejected { application, .. }) => Ok(application.number + 1),
            Some(review @ (Review::Pending(_) | Review::Approved { .. })) => {
                Err(Refusal::ReviewExists(review.state()))
            }
        }
    }

    /// Whether the candidate may delete the review (R7).
    ///
    /// # Errors
    /// [`Refusal::UnknownReview`]; [`Refusal::ReviewExists`] for one that was not rejected.
    pub fn may_delete_review(&self) -> Result<(), Refusal> {
        match self.review() {
            None => Err(Refusal::UnknownReview),
            Some(Review::Rejected { .. }) => Ok(()),
            Some(review @ (Review::Pending(_) | Review::Approved { .. })) => {
                Err(Refusal::ReviewExists(review.state()))
            }
        }
    }

    /// The application that staff may decide (R7).
    ///
    /// # Errors
    /// [`Refusal::UnknownReview`]; [`Refusal::ReviewExists`] for one that is decided already.
    pub fn may_decide_review(&self) -> Result<&Application, Refusal> {
        match self.review() {
            None => Err(Refusal::UnknownReview),
            Some(Review::Pending(application)) => Ok(application),
            Some(review @ (Review::Approved { .. } | Review::Rejected { .. })) => {
                Err(Refusal::ReviewExists(review.state()))
            }
        }
    }

    /// The subject that an approved review grants, beside what the record allows (R4).
    pub fn granted(&self, sitting: &Sitting) -> Option<SubjectCode> {
        let review = self.review()?;
        (review.state() == ReviewState::Approved)
            .then(|| sitting.cet6().map(|subject| subject.code))
            .flatten()
    }
}
