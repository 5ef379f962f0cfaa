//! `GET /v1/notices` (R36)

use axum::extract::State;
use axum::response::Response;
use http::header::{CONTENT_LANGUAGE, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use kaowei_core::notices::NoticeId;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::{Language, Problem};
use crate::state::App;
use crate::views::{Notice, NoticeList, OWN_NEXT_POLL_MS};
use crate::wire::{Page, Params, answer_tagged, cursor_after};

problems!(NoticesProblems: CANDIDATE ENGINE PARAMETERS);

/// Own notices, oldest first: promotion, a payment deadline 6 hours and 1 hour before, expiry, payment.
///
/// A notice is there from the moment in which what it tells is durable. `title` and `text` follow `Accept-Language`.
/// The same notices go to the webhook that the operators set up.
#[utoipa::path(get, path = "/v1/notices", tag = "candidate", security(("bearer" = [])),
    params(("after" = Option<String>, Query, description = "The id of a notice: only those after it."),
           ("limit" = Option<u32>, Query, description = "At most so many, 1 to 1000 (the default)."),
           ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
           ("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer.")),
    responses((status = 200, description = "The notices.", body = NoticeList,
                   headers(("ETag" = String, description = "To ask again with."))),
              (status = 304, description = "There are no others."),
              NoticesProblems))]
pub(super) async fn list_notices(
    State(app): State<App>,
    Candidate(account): Candidate,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let page = Page::<NoticeId>::of(&params)?;
    let after = params
        .get("after")
        .map(|text| text.parse::<NoticeId>().map_err(|_| unknown()))
        .transpose()?;
    let after = page.after.max(after);
    // One more than asked for tells whether there is a next page.
    let mut notices = app.engine.notices(account, after, page.limit + 1).await?;
    let has_more = notices.len() > page.limit;
    notices.truncate(page.limit);
    let next_cursor = notices
        .last()
        .filter(|_| has_more)
        .map(|notice| cursor_after(&notice.id));
    let catalogue = app.engine.catalogue()?;
    let language = Language::of(&headers);
    let list = NoticeList {
        notices: notices
            .iter()
            .map(|notice| Notice::new(notice, &catalogue, language))
            .collect(),
        next_cursor,
        next_poll_ms: OWN_NEXT_POLL_MS,
    };
    let mut response = answer_tagged(&headers, &list);
    if response.status() == StatusCode::OK {
        let tag = HeaderValue::from_static(language.tag());
        response.headers_mut().insert(CONTENT_LANGUAGE, tag);
    }
    response
        .headers_mut()
        .insert(VARY, HeaderValue::from_static("Accept-Language"));
    Ok(response)
}

fn unknown() -> Problem {
    let words = ("after 须为一条通知的 id。", "after must be the id of a notice.");
    Problem::wrong_parameter(StatusCode::BAD_REQUEST, "after", words)
}
