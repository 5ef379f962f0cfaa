//! `GET /v1/staff/exports/{kind}.csv` (R33, R35), streamed.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use kaowei_engine::ExportKind;

use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::{Code, Problem};
use crate::state::App;

/// The columns of orders. They come with payment: for now the file has no lines.
pub(crate) const ORDERS_HEADER: &str =
    "order,candidate,claims,paper,method,amount_fen,state,created_at,expires_at,paid_at\n";

/// The file of an export, by its name.
#[derive(Debug, Clone, Copy)]
enum File {
    Claims,
    Enrolments,
    Orders,
    Audit,
}

impl File {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "claims.csv" => Self::Claims,
            "enrolments.csv" => Self::Enrolments,
            "orders.csv" => Self::Orders,
            "audit.csv" => Self::Audit,
            _ => return None,
        })
    }

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
    params(("file" = String, Path, description = "`claims.csv`, `enrolments.csv`, `orders.csv` or `audit.csv`.")),
    responses((status = 200, description = "The file.", content_type = "text/csv", body = String),
              ExportProblems))]
pub(super) async fn export(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    Path(file): Path<String>,
) -> Result<Response, Problem> {
    let file = File::named(&file).ok_or_else(|| Problem::new(Code::NotFound))?;
    let body = match file {
        File::Claims => Body::from_stream(app.engine.export(&staff, ExportKind::Claims).await?),
        File::Enrolments => Body::from_stream(app.engine.export(&staff, ExportKind::Enrolments).await?),
        File::Audit => Body::from_stream(app.engine.export(&staff, ExportKind::Audit).await?),
        File::Orders => Body::from(ORDERS_HEADER),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(CONTENT_DISPOSITION, file.disposition());
    Ok(response)
}
