//! `GET /v1/staff/audit` (R35)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::audit::Hash;
use kaowei_core::ids::{Cell, PoolId, Sequence};
use kaowei_engine::{AuditRecord, AuditStream};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::Instant;
use crate::wire::{Page, Params, cursor_after, json};

/// One record of the audit trail.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditEntry {
    /// Its number in its stream.
    seq: u64,
    /// What happened.
    #[schema(example = "claim_held")]
    kind: String,
    /// When.
    at: Instant,
    /// With what; pseudonyms only.
    #[schema(value_type = Object)]
    payload: Box<RawValue>,
    /// The chain's hash there.
    #[schema(value_type = String)]
    hash: Hash,
}

impl From<AuditRecord> for AuditEntry {
    fn from(record: AuditRecord) -> Self {
        Self {
            seq: record.sequence.0,
            kind: record.kind,
            at: record.at.into(),
            payload: record.payload,
            hash: record.hash,
        }
    }
}

/// Records of one stream, in order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditList {
    /// The stream: a pool's id, or `cell:` and a province.
    stream: String,
    /// The records.
    records: Vec<AuditEntry>,
    /// The cursor of the next page, if there is one.
    next_cursor: Option<String>,
}

problems!(AuditProblems: STAFF ENGINE PARAMETERS; NotFound);

/// The audit trail of one pool, or of a cell for what belongs to no pool.
#[utoipa::path(get, path = "/v1/staff/audit", tag = "staff", security(("bearer" = [])),
    params(("pool" = Option<String>, Query, description = "Of this pool."),
           ("cell" = Option<String>, Query, description = "Or of this province, or `all` for what belongs to none."),
           ("limit" = Option<u32>, Query, description = "At most so many, 1 to 1000 (the default)."),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before.")),
    responses((status = 200, description = "The records.", body = AuditList), AuditProblems))]
pub(super) async fn list_audit(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    params: Params,
) -> Result<Response, Problem> {
    let pool = params.parse::<PoolId>("pool")?;
    let cell = params.parse::<Cell>("cell")?;
    let page = Page::<u64>::of(&params)?;
    let (name, stream) = match (pool, cell) {
        (Some(pool), None) => (pool.to_string(), AuditStream::Pool(pool)),
        (None, Some(cell)) => (format!("cell:{cell}"), AuditStream::Cell(cell)),
        (None, None) | (Some(_), Some(_)) => {
            let problem = ("请给出 pool 或 cell 之一。", "Say which pool, or which cell.");
            return Err(Problem::wrong_parameter(
                StatusCode::UNPROCESSABLE_ENTITY,
                "pool",
                problem,
            ));
        }
    };
    let after = Sequence(page.after.unwrap_or(0));
    // One more than asked for tells whether there is a next page.
    let mut records = app.engine.audit(&staff, stream, after, page.limit + 1).await?;
    let has_more = records.len() > page.limit;
    records.truncate(page.limit);
    let next_cursor = records
        .last()
        .filter(|_| has_more)
        .map(|record| cursor_after(&record.sequence.0));
    let list = AuditList {
        stream: name,
        records: records.into_iter().map(AuditEntry::from).collect(),
        next_cursor,
    };
    Ok(json(StatusCode::OK, &list))
}
