//! `GET /v1/campuses`: where exams are sat.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use kaowei_core::ids::{CampusCode, ProvinceCode, SchoolCode};

use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::{CampusList, CampusView};
use crate::wire::{Page, Params, answer_tagged, page_of};

problems!(CampusesProblems: PARAMETERS ENGINE);

/// Campuses, by code; of one province or school if asked.
#[utoipa::path(get, path = "/v1/campuses", tag = "public",
    params(("province" = Option<String>, Query, description = "Of this province."),
           ("school" = Option<String>, Query, description = "Of this school."),
           ("limit" = Option<u32>, Query, description = "At most so many, 1 to 1000 (the default)."),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
           ("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer.")),
    responses((status = 200, description = "The campuses.", body = CampusList,
                   headers(("ETag" = String, description = "To ask again with."))),
              (status = 304, description = "They have not changed."),
              CampusesProblems))]
pub(super) async fn list_campuses(
    State(app): State<App>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Problem> {
    let province = params.parse::<ProvinceCode>("province")?;
    let school = params.parse::<SchoolCode>("school")?;
    let page = Page::<CampusCode>::of(&params)?;

    let catalogue = app.engine.catalogue()?;
    let campuses: Vec<_> = catalogue
        .tree
        .campuses()
        .filter(|campus| province.is_none_or(|province| province == campus.province))
        .filter(|campus| school.is_none_or(|school| school == campus.school))
        .collect();
    let (range, next_cursor) = page_of(&campuses, &page, |campus| campus.code);
    let list = CampusList {
        campuses: campuses[range]
            .iter()
            .map(|campus| CampusView::from(*campus))
            .collect(),
        next_cursor,
    };
    Ok(answer_tagged(&headers, &list))
}
