//! The review of the eligibility for CET6: how it stands, to its candidate and to staff.

use kaowei_core::ids::CandidateId;
use kaowei_core::registration::{self, ReviewState};
use kaowei_core::seats::By;
use kaowei_engine::{NamedResult, Papers, ReviewCase, ReviewStatus};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Instant, OWN_NEXT_POLL_MS, mask};

/// How a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReviewState)]
pub enum State {
    /// Staff are to decide: it can be neither changed nor taken back.
    Pending,
    /// CET6 may be sat. Final.
    Approved,
    /// Staff have said no: it may be corrected by applying again, or deleted.
    Rejected,
}

impl From<ReviewState> for State {
    fn from(state: ReviewState) -> Self {
        match state {
            ReviewState::Pending => Self::Pending,
            ReviewState::Approved => Self::Approved,
            ReviewState::Rejected => Self::Rejected,
        }
    }
}

/// Whether a review is open to the candidate, and how the one that there is stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Review {
    /// Whether a review would let the candidate sit CET6: the campus offers it, he is not barred, and may not sit it yet.
    pub available: bool,
    /// How it stands; none before an application.
    pub state: Option<State>,
}

impl From<ReviewStatus> for Review {
    fn from(status: ReviewStatus) -> Self {
        Self {
            available: status.available,
            state: status.state.map(State::from),
        }
    }
}

/// The own review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OwnReview {
    /// How it stands.
    pub state: State,
    /// When it was applied for.
    pub applied_at: Instant,
    /// When it was decided; none while it is pending.
    pub decided_at: Option<Instant>,
    /// Why staff decided so; none where they did not.
    pub reason: Option<String>,
    /// When to ask again.
    pub next_poll_ms: u32,
}

impl From<&registration::Review> for OwnReview {
    fn from(review: &registration::Review) -> Self {
        Self {
            state: review.state().into(),
            applied_at: review.application().at.into(),
            decided_at: decided_at(review),
            reason: review.decided().map(|decided| decided.reason.to_string()),
            next_poll_ms: OWN_NEXT_POLL_MS,
        }
    }
}

/// When it was decided: at once where a result matched.
fn decided_at(review: &registration::Review) -> Option<Instant> {
    let at = match review {
        registration::Review::Pending(_) => return None,
        registration::Review::Approved { application, decided } => {
            decided.as_ref().map_or(application.at, |decided| decided.at)
        }
        registration::Review::Rejected { decided, .. } => decided.at,
    };
    Some(at.into())
}

/// A review as staff see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StaffReview {
    /// To decide it by.
    #[schema(example = "17")]
    pub id: String,
    /// How it stands.
    pub state: State,
    /// The province of the candidate's record.
    pub province: String,
    /// The school of the candidate's record.
    pub school: String,
    /// When it was applied for.
    pub applied_at: Instant,
    /// The member of staff who applied on the candidate's behalf; none where the candidate did.
    pub applied_by: Option<String>,
    /// Why staff did.
    pub applied_reason: Option<String>,
    /// When it was decided; none while it is pending.
    pub decided_at: Option<Instant>,
    /// The member of staff who decided; none where a result matched.
    pub decided_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

impl StaffReview {
    /// A review of that id.
    pub fn new(id: CandidateId, review: &registration::Review) -> Self {
        let application = review.application();
        let decided = review.decided();
        Self {
            id: id.to_string(),
            state: review.state().into(),
            province: application.site.province.to_string(),
            school: application.site.school.to_string(),
            applied_at: application.at.into(),
            applied_by: staff(&application.by),
            applied_reason: application.reason.as_ref().map(ToString::to_string),
            decided_at: decided_at(review),
            decided_by: decided.and_then(|decided| staff(&decided.by)),
            reason: decided.map(|decided| decided.reason.to_string()),
        }
    }
}

fn staff(by: &By) -> Option<String> {
    match by {
        By::Candidate | By::System => None,
        By::Staff(subject) => Some(subject.to_string()),
    }
}

/// A review with what staff decide it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReviewToDecide {
    /// The review.
    #[serde(flatten)]
    pub review: StaffReview,
    /// Who applied; none where the person was deleted.
    pub applicant: Option<Applicant>,
    /// The ticket number; none where it was forgotten.
    #[schema(example = "991010231100001")]
    pub cet4_ticket: Option<String>,
    /// The CET4 result of that ticket, if there is one.
    pub result: Option<Cet4Result>,
}

/// Who applied, by the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Applicant {
    /// The kind of ID document.
    #[schema(example = "resident_id")]
    pub id_type: String,
    /// Its number, masked.
    #[schema(example = "990***********1238")]
    pub id_number: String,
    /// The name.
    pub name: String,
}

/// A CET4 result beside the applicant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Cet4Result {
    /// The ID number, masked; none of a result that was imported before they were kept.
    pub id_number: Option<String>,
    /// Whether it is the applicant's.
    pub same_id_number: bool,
    /// The name.
    pub name: String,
    /// Whether it is the applicant's, but for spaces and dots.
    pub same_name: bool,
    /// The year of the exam.
    #[schema(example = 2024)]
    pub year: u32,
    /// The score.
    #[schema(example = 425)]
    pub score: u32,
}

/// Reviews below the scope, by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReviewList {
    /// The reviews.
    pub reviews: Vec<ReviewToDecide>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}

impl From<&ReviewCase> for ReviewToDecide {
    fn from(case: &ReviewCase) -> Self {
        let papers = case.papers.as_ref();
        Self {
            review: StaffReview::new(case.candidate, &case.review),
            applicant: papers.map(Applicant::from),
            cet4_ticket: papers.and_then(|papers| papers.ticket.clone()),
            result: papers
                .and_then(|papers| papers.result.as_ref())
                .map(Cet4Result::from),
        }
    }
}

impl From<&Papers> for Applicant {
    fn from(papers: &Papers) -> Self {
        let applicant = &papers.applicant;
        Self {
            id_type: applicant.id_type.to_string(),
            id_number: mask(&applicant.id_number),
            name: applicant.name.clone(),
        }
    }
}

impl From<&NamedResult> for Cet4Result {
    fn from(result: &NamedResult) -> Self {
        Self {
            id_number: result.id_number.as_deref().map(mask),
            same_id_number: result.same_id_number,
            name: result.name.clone(),
            same_name: result.same_name,
            year: result.year,
            score: result.score,
        }
    }
}
