//! `GET /problems/{code}`: the page of a problem, in both languages.

use axum::extract::Path;
use axum::response::{Html, IntoResponse, Response};
use http::HeaderMap;

use crate::openapi::problems;
use crate::problem::{Code, Language, Problem, page};

problems!(PageProblems: ; NotFound);

/// What a problem's code means, and what to do.
#[utoipa::path(get, path = "/problems/{code}", tag = "public",
    params(("code" = String, Path, description = "A problem's code, such as `pool_full`.")),
    responses((status = 200, description = "The page.", content_type = "text/html", body = String), PageProblems))]
pub(super) async fn show_problem_page(
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let code = Code::named(&code).ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(Html(page(code, Language::of(&headers))).into_response())
}
