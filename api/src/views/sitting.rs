//! The sitting and the sites, as everybody sees them.

use kaowei_core::ids::{CampusCode, ProvinceCode, SchoolCode, SubjectCode};
use kaowei_core::seats::PoolFacts;
use kaowei_core::sites::{
    Campus, Document, Paper, Sitting, Subject, TicketPrinting, Window, WindowPaper, WindowProvince,
};
use kaowei_core::time::Span;
use kaowei_engine::Catalogue;
use serde::Serialize;
use utoipa::ToSchema;

use super::Instant;

/// One subject of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SubjectView {
    /// Its code.
    #[schema(value_type = String, example = "1")]
    pub code: SubjectCode,
    /// Its name.
    #[schema(example = "英语四级笔试")]
    pub name: String,
    /// `written` or `oral`.
    #[schema(example = "written")]
    pub paper: &'static str,
    /// 4 or 6.
    pub level: u8,
    /// A BCP 47 tag.
    #[schema(example = "en")]
    pub language: String,
    /// The written subject that a claim for this one needs.
    #[schema(value_type = Option<String>)]
    pub requires: Option<SubjectCode>,
}

impl From<&Subject> for SubjectView {
    fn from(subject: &Subject) -> Self {
        Self {
            code: subject.code,
            name: subject.name.clone(),
            paper: subject.paper.as_str(),
            level: subject.level.0,
            language: subject.language.clone(),
            requires: subject.requires,
        }
    }
}

impl SubjectView {
    /// The subject of a pool; what the pool itself knows, should the sitting not list it any more.
    pub(super) fn of_pool(facts: &PoolFacts, catalogue: &Catalogue) -> Self {
        let listed = catalogue
            .sitting
            .as_ref()
            .and_then(|sitting| sitting.subject(facts.id.subject));
        listed.map_or_else(
            || Self {
                code: facts.id.subject,
                name: facts.id.subject.to_string(),
                paper: facts.paper.as_str(),
                level: facts.level.0,
                language: "und".into(),
                requires: facts.requires,
            },
            Self::from,
        )
    }
}

/// One window of registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WindowView {
    /// A province's code, or `*`: every province without a window of its own.
    #[schema(example = "*")]
    pub province: String,
    /// For this school only.
    #[schema(value_type = Option<String>)]
    pub school: Option<SchoolCode>,
    /// `qualification`, `written` or `oral`.
    #[schema(example = "written")]
    pub paper: &'static str,
    /// From when on it is open.
    pub opens_at: Instant,
    /// Until when.
    pub closes_at: Instant,
    /// Until when those who wait are promoted.
    pub waitlist_closes_at: Instant,
    /// Until when one may pay.
    pub payment_closes_at: Instant,
}

impl WindowView {
    fn new(window: &Window, hold: Span) -> Self {
        Self {
            province: match window.province {
                WindowProvince::One(code) => code.to_string(),
                WindowProvince::Any(_) => "*".into(),
            },
            school: window.school,
            paper: match window.paper {
                WindowPaper::Qualification => "qualification",
                WindowPaper::Written => Paper::Written.as_str(),
                WindowPaper::Oral => Paper::Oral.as_str(),
            },
            opens_at: window.opens_at.into(),
            closes_at: window.closes_at.into(),
            waitlist_closes_at: window.waitlist_end().into(),
            payment_closes_at: window.payment_end(hold).into(),
        }
    }
}

/// A further document of the agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DocumentText {
    /// Such as `privacy`.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
}

/// The agreement and integrity pledge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgreementText {
    /// The version to accept.
    pub version: String,
    /// The text.
    pub text: String,
    /// Terms of service, privacy policy.
    pub documents: Vec<DocumentText>,
}

/// The sitting, to everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PublicSitting {
    /// Such as `2026-2`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What is open when.
    pub windows: Vec<WindowView>,
    /// How long a seat is held for payment.
    pub hold_seconds: u32,
    /// How long an enrolment without a claim is kept.
    pub enrolment_seconds: u32,
    /// Until when score reports may be chosen.
    pub choices_close_at: Option<Instant>,
    /// What every candidate accepts first.
    pub agreement: AgreementText,
    /// What is sat.
    pub subjects: Vec<SubjectView>,
}

impl From<&Sitting> for PublicSitting {
    fn from(sitting: &Sitting) -> Self {
        let document = |document: &Document| DocumentText {
            id: document.id.clone(),
            title: document.title.clone(),
            text: document.text.clone(),
        };
        Self {
            id: sitting.id.clone(),
            name: sitting.name.clone(),
            windows: sitting
                .windows
                .iter()
                .map(|window| WindowView::new(window, sitting.hold()))
                .collect(),
            hold_seconds: sitting.hold_seconds,
            enrolment_seconds: sitting.enrolment_seconds,
            choices_close_at: sitting.choices_close_at.map(Instant),
            agreement: AgreementText {
                version: sitting.agreement.version.clone(),
                text: sitting.agreement.text.clone(),
                documents: sitting.agreement.documents.iter().map(document).collect(),
            },
            subjects: sitting.subjects.iter().map(SubjectView::from).collect(),
        }
    }
}

/// One campus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CampusView {
    /// Its code.
    #[schema(value_type = String, example = "991010")]
    pub code: CampusCode,
    /// Its name.
    pub name: String,
    /// Its school's code.
    #[schema(value_type = String, example = "99101")]
    pub school: SchoolCode,
    /// Its school's name.
    pub school_name: String,
    /// Its province's code.
    #[schema(value_type = String, example = "99")]
    pub province: ProvinceCode,
    /// Its province's name.
    pub province_name: String,
    /// Who prints admission tickets: `candidate` or `school`.
    #[schema(example = "candidate")]
    pub ticket_printing: &'static str,
}

impl From<&Campus> for CampusView {
    fn from(campus: &Campus) -> Self {
        Self {
            code: campus.code,
            name: campus.name.clone(),
            school: campus.school,
            school_name: campus.school_name.clone(),
            province: campus.province,
            province_name: campus.province_name.clone(),
            ticket_printing: match campus.ticket_printing {
                TicketPrinting::Candidate => "candidate",
                TicketPrinting::School => "school",
            },
        }
    }
}

/// Campuses, by code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CampusList {
    /// The campuses.
    pub campuses: Vec<CampusView>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
}
