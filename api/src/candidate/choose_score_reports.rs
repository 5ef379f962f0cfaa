//! `PUT /v1/enrolment/score-reports` (R24, R31)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::registration::ScoreReportChoice as Chosen;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::{Choices, ScoreReport};
use crate::wire::{RawJson, json, parse};

/// More choices than there can be written subjects.
const CHOICES_MAX: usize = 100;

/// The form of one subject's score report.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedChoice {
    /// The written subject.
    #[schema(example = "1")]
    subject: String,
    /// The form.
    choice: ScoreReport,
}

/// The forms that are chosen; what is not named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChooseScoreReports {
    /// One a written subject.
    #[schema(min_items = 1, max_items = 100)]
    choices: Vec<AskedChoice>,
}

problems!(ChooseProblems: CANDIDATE ENGINE BODY; AgreementRequired, NotEnrolled, OutsideWindow, NotEligible);

/// Chooses the forms of score reports, each on its written subject; the oral one of its level follows it.
///
/// One is needed before paying, and may be changed until the sitting's `choices_close_at`; the first can be made after that
/// too.
#[utoipa::path(put, path = "/v1/enrolment/score-reports", tag = "candidate", security(("bearer" = [])),
    request_body = ChooseScoreReports,
    responses((status = 200, description = "All that is chosen now.", body = Choices), ChooseProblems))]
pub(super) async fn choose_score_reports(
    State(app): State<App>,
    Candidate(account): Candidate,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let asked: ChooseScoreReports = parse(&body)?;
    if !(1..=CHOICES_MAX).contains(&asked.choices.len()) {
        let problem = (
            format!("须有 1 至 {CHOICES_MAX} 项。"),
            format!("It must have 1 to {CHOICES_MAX} entries."),
        );
        return Err(Problem::wrong_field("/choices", problem));
    }
    let mut choices = Vec::with_capacity(asked.choices.len());
    for (n, asked) in asked.choices.iter().enumerate() {
        let subject = asked.subject.parse().map_err(|_| {
            let problem = ("不是科目代码。", "It is not the code of a subject.");
            Problem::wrong_field(format!("/choices/{n}/subject"), problem)
        })?;
        choices.push(Chosen {
            subject,
            choice: asked.choice.into(),
        });
    }
    let chosen = app.engine.choose_score_reports(account, choices).await?;
    Ok(json(StatusCode::OK, &Choices::from(&chosen)))
}
