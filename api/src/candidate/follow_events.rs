//! `GET /v1/events`: the own state as it changes.

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use kaowei_core::time::Span;
use kaowei_engine::OwnNews;

use crate::auth::Candidate;
use crate::events::{event, last_place};
use crate::openapi::problems;
use crate::problem::{Code, Language, Problem};
use crate::state::App;
use crate::views::{Claim, EnrolmentNews, Notice, Order, OwnEvents};
use crate::wire::bytes_of;

/// When to come again for one stream more than an account may have.
const LATER: Span = Span::from_secs(5);

problems!(EventsProblems: CANDIDATE ENGINE);

/// Own news as server-sent events, each told when it is durable; to be read by `fetch` streaming, with the token in its
/// header.
///
/// Every event has a name, an id and JSON data, as the schema says name by name. The stream goes on behind
/// `Last-Event-ID` while the latest events are kept; otherwise, and always without one, its first event is `resync`:
/// read everything anew. A reader that is too slow gets a last `resync` before its stream ends. A comment comes every
/// 15 s. A stream ends after 15 minutes, when the server stops, or when a session of the account is logged out of or its
/// password changes: come again with the last id and a token that holds. An account may have five. Places in queues change without an event.
#[utoipa::path(get, path = "/v1/events", tag = "candidate", security(("bearer" = [])),
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was read.")),
    responses((status = 200, description = "The stream. The schema has the data of each event by its name.",
                   content_type = "text/event-stream", body = OwnEvents),
              EventsProblems))]
pub(super) async fn follow_events(
    State(app): State<App>,
    Candidate(account): Candidate,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = app.streams.enter()?;
    let feed = app.engine.follow_own(account, last_place(&headers))?;
    let feed = feed.ok_or_else(|| {
        let words = (
            "该账号的事件流已达上限，请关闭多余的页面。",
            "This account has as many streams as it may have; close pages that are not needed.",
        );
        Problem::new(Code::RateLimited)
            .detailed(words)
            .with_retry_after(LATER)
    })?;
    let language = Language::of(&headers);
    let news = stream::unfold((feed, app), move |(mut feed, app)| async move {
        let (place, news) = feed.next().await?;
        let (name, data) = written(&app, &news, language);
        Some((event(name, Some(place), &data), (feed, app)))
    });
    Ok(place.stream(news))
}

fn written(app: &App, news: &OwnNews, language: Language) -> (&'static str, Bytes) {
    match news {
        OwnNews::Resync => ("resync", Bytes::from_static(b"{}")),
        OwnNews::Claim(claim) => ("claim", Claim::from(claim).to_json().into()),
        OwnNews::Enrolment(enrolment) => (
            "enrolment",
            bytes_of(&EnrolmentNews::from(enrolment.as_ref())).into(),
        ),
        OwnNews::Order(order) => ("order", bytes_of(&Order::from(&**order)).into()),
        OwnNews::Notice(notice) => {
            // Without a catalogue, while everything is read from the store again, subjects have no names.
            let catalogue = app.engine.catalogue().unwrap_or_default();
            (
                "notice",
                bytes_of(&Notice::new(notice, &catalogue, language)).into(),
            )
        }
    }
}
