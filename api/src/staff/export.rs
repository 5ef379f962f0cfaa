//! `GET /v1/staff/exports/{kind}.csv` (R33, R35), streamed.

use std::str::FromStr;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use kaowei_engine::ExportKind;
use utoipa::ToSchema;

use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::wire::PathId;

/// The file of an export.
#[derive(Debug, Clone, Copy, ToSchema)]
pub(super) enum File {
    #[schema(rename = "claims.csv")]
    Claims,
    #[schema(rename = "enrolments.csv")]
    Enrolments,
    #[schema(rename = "orders.csv")]
    Orders,
    #[schema(rename = "audit.csv")]
    Audit,
}

/// No export has that name.
#[derive(Debug)]
pub(super) struct UnknownExport;

impl FromStr for File {
    type Err = UnknownExport;
    fn from_str(name: &str) -> Result<Self, UnknownExport> {
        match name {
            "claims.csv" => Ok(Self::Claims),
            "enrolments.csv" => Ok(Self::Enrolments),
            "orders.csv" => Ok(Self::Orders),
            "audit.csv" => Ok(Self::Audit),
            _ => Err(UnknownExport),
        }
    }
}

impl File {
    /// As `Content-Disposition` names it.
    fn disposition(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Claims => "attachment; filename=\"claims.csv\"",
            Self::Enrolments => "attachment; filename=\"enrolments.csv\"",
            Self::Orders => "attachment; filename=\"orders.csv\"",
            Self::Audit => "attachment; filename=\"audit.csv\"",
        })
    }
}

problems!(ExportProblems: STAFF ENGINE; NotFound);

/// Exports claims, enrolments, orders or the audit trail as CSV, below the scope.
///
/// Shows everything that was committed when it was asked. Persons appear as pseudonyms.
#[utoipa::path(get, path = "/v1/staff/exports/{file}", tag = "staff", security(("bearer" = [])),
    params(("file" = inline(File), Path, description = "Which export.")),
    responses((status = 200, description = "The file.", content_type = "text/csv", body = String),
              ExportProblems))]
pub(super) async fn export(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    PathId(file): PathId<File>,
) -> Result<Response, Problem> {
    let body = match file {
        File::Claims => Body::from_stream(app.engine.export(&staff, ExportKind::Claims).await?),
        File::Enrolments => Body::from_stream(app.engine.export(&staff, ExportKind::Enrolments).await?),
        File::Audit => Body::from_stream(app.engine.export(&staff, ExportKind::Audit).await?),
        File::Orders => Body::from_stream(app.engine.export(&staff, ExportKind::Orders).await?),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(CONTENT_DISPOSITION, file.disposition());
    Ok(response)
}
