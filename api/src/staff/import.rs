//! `POST /v1/staff/imports/{kind}` (R33): a CSV file, checked line by line, applied as a whole.

use std::str::FromStr;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_LANGUAGE;
use http::{HeaderValue, StatusCode};
use kaowei_core::registration::ImportKind;
use kaowei_engine::{BadLine, ImportOptions, ImportReport};
use serde::Serialize;
use utoipa::ToSchema;

use super::spool;
use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::{Code, Language, Problem, Words};
use crate::state::App;
use crate::wire::{Params, PathId, check_type, json};

/// A line that was not taken.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RejectedLine {
    /// Its number in the file; the header is line 1.
    line: u64,
    /// What is wrong with it, in the language asked for.
    problem: String,
}

/// What became of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImportAnswer {
    /// Lines that were taken, or would be.
    accepted: u64,
    /// Lines that were not, the first thousand of them.
    rejected: Vec<RejectedLine>,
    /// How many lines were not taken.
    rejected_total: u64,
    /// Whether anything was changed.
    applied: bool,
}

impl ImportAnswer {
    fn new(report: &ImportReport, language: Language) -> Self {
        let line = |bad: &BadLine| RejectedLine {
            line: bad.line,
            problem: Words::from(bad).in_language(language).into(),
        };
        Self {
            accepted: report.accepted,
            rejected: report.rejected.iter().map(line).collect(),
            rejected_total: report.rejected_total,
            applied: report.applied,
        }
    }
}

/// What can be imported.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(rename_all = "kebab-case")]
pub(super) enum ImportName {
    Campuses,
    Pools,
    Students,
    Cet4Results,
}

impl ImportName {
    fn kind(self) -> ImportKind {
        match self {
            Self::Campuses => ImportKind::Campuses,
            Self::Pools => ImportKind::Pools,
            Self::Students => ImportKind::Students,
            Self::Cet4Results => ImportKind::Cet4Results,
        }
    }
}

/// No import has that name.
#[derive(Debug)]
pub(super) struct UnknownImport;

impl FromStr for ImportName {
    type Err = UnknownImport;
    fn from_str(name: &str) -> Result<Self, UnknownImport> {
        let all = [Self::Campuses, Self::Pools, Self::Students, Self::Cet4Results];
        let named = all.into_iter().find(|import| import.kind().as_str() == name);
        named.ok_or(UnknownImport)
    }
}

problems!(ImportProblems: STAFF ENGINE BODY; NotFound);

/// Imports campuses, pools, student records or CET4 results from CSV (2.8).
///
/// A file with bad lines changes nothing and is answered 422 with each of them, unless `skip_bad` says to leave
/// them out. `dry_run` checks, changes nothing and answers 200 with what it found, bad lines or none; `applied` says
/// whether anything was changed. A file that can't be read at all, since columns are missing, is 422 also then.
/// `problem` is in the language of `Accept-Language`.
#[utoipa::path(post, path = "/v1/staff/imports/{kind}", tag = "staff", security(("bearer" = [])),
    params(("kind" = inline(ImportName), Path, description = "What the file holds."),
           ("dry_run" = Option<bool>, Query, description = "Only check: 200 with the bad lines, if there are any."),
           ("skip_bad" = Option<bool>, Query, description = "Leave bad lines out.")),
    request_body(content = String, content_type = "text/csv", description = "UTF-8, header line first."),
    responses((status = 200, description = "What became of it.", body = ImportAnswer), ImportProblems))]
pub(super) async fn import(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    PathId(import): PathId<ImportName>,
    params: Params,
    request: Request,
) -> Result<Response, Problem> {
    let options = ImportOptions {
        dry_run: params.flag("dry_run")?,
        skip_bad: params.flag("skip_bad")?,
    };
    check_type(
        request.headers(),
        &[
            "text/csv",
            "text/plain",
            "application/csv",
            "application/octet-stream",
        ],
    )?;
    let language = Language::of(request.headers());
    let upload = spool::receive(&app.spool, request.into_body(), app.limits.import_bytes_max).await?;
    let report = app
        .engine
        .import(&staff, import.kind(), upload.path(), options, &|_, _| {})
        .await?;
    let answer = ImportAnswer::new(&report, language);
    // A dry run that has found bad lines has done what it was asked.
    if answer.rejected_total > 0 && !options.skip_bad && !options.dry_run {
        return Ok(refused(&answer).into_response());
    }
    let mut response = json(StatusCode::OK, &answer);
    let tag = HeaderValue::from_static(language.tag());
    response.headers_mut().insert(CONTENT_LANGUAGE, tag);
    Ok(response)
}

/// 422 with the fields of the report.
fn refused(answer: &ImportAnswer) -> Problem {
    let problem = Problem::new(Code::InvalidRequest).detailed((
        format!(
            "有 {} 行有误（见 rejected），未作任何更改。",
            answer.rejected_total
        ),
        format!(
            "{} lines are wrong (see rejected); nothing was changed.",
            answer.rejected_total
        ),
    ));
    // The report is a struct of numbers and texts: it always has a JSON form.
    let report = serde_json::to_value(answer).unwrap_or_default();
    let Some(fields) = report.as_object() else {
        return problem;
    };
    fields.iter().fold(problem, |problem, (name, value)| {
        problem.with_field(name, value.clone())
    })
}
