//! `GET /v1/sitting`: windows, agreement, subjects.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

use crate::openapi::problems;
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::views::PublicSitting;

problems!(SittingProblems: ENGINE; NotFound);

/// The sitting: its windows, its subjects, and the agreement to accept.
///
/// `not_found` while no sitting has been loaded.
#[utoipa::path(get, path = "/v1/sitting", tag = "public",
    params(("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer.")),
    responses((status = 200, description = "The sitting.", body = PublicSitting,
                   headers(("ETag" = String, description = "To ask again with."))),
              (status = 304, description = "It has not changed."),
              SittingProblems))]
pub(super) async fn show_sitting(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let catalogue = app.engine.catalogue()?;
    let Some(sitting) = &catalogue.sitting else {
        return Err(
            Problem::new(Code::NotFound).detailed(("尚未设置考次。", "No sitting has been loaded yet."))
        );
    };
    let bytes = || {
        let public = PublicSitting::from(&**sitting);
        serde_json::to_vec(&public).unwrap_or_default().into()
    };
    Ok(app.sitting.get_or_make(sitting, bytes).respond(&headers).await)
}
