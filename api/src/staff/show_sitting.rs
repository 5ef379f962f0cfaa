//! `GET /v1/staff/sitting`

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::wire::answer_tagged;

problems!(SittingProblems: STAFF ENGINE; NotFound);

/// The sitting as its file says it (2.8), to be changed and put back.
#[utoipa::path(get, path = "/v1/staff/sitting", tag = "staff", security(("bearer" = [])),
    params(("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer.")),
    responses((status = 200, description = "The sitting.", body = Object,
                   headers(("ETag" = String, description = "To ask again with."))),
              (status = 304, description = "It has not changed."),
              SittingProblems))]
pub(super) async fn show_staff_sitting(
    State(app): State<App>,
    StaffMember(_staff): StaffMember,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match &app.engine.catalogue()?.sitting {
        Some(sitting) => Ok(answer_tagged(&headers, &**sitting)),
        None => {
            Err(Problem::new(Code::NotFound).detailed(("尚未设置考次。", "No sitting has been loaded yet.")))
        }
    }
}
