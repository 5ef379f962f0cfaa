//! `GET /v1/staff/events`: what lies below the scope as it changes, for the console.

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use kaowei_engine::StaffNews;

use super::show_expiry::Expiry;
use crate::auth::StaffMember;
use crate::events::{event, last_place};
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::{CatalogueNews, StaffPool};
use crate::wire::bytes_of;

problems!(EventsProblems: STAFF ENGINE);

/// The data of each event of staff, by its name.
#[derive(Debug, utoipa::ToSchema)]
#[expect(dead_code, reason = "it documents what is written one by one")]
pub(super) struct StaffEvents {
    /// Everything is to be read anew.
    #[schema(value_type = Object)]
    resync: (),
    /// A pool below the scope changed: its numbers now.
    pool: StaffPool,
    /// The sitting or a campus changed.
    catalogue: CatalogueNews,
    /// Whether deadlines are acted on changed.
    expiry: Expiry,
}

/// Numbers and settings below the scope, as server-sent events.
///
/// As `GET /v1/events`, but changes are gathered over a quarter of a second, a pool that changed oftener is told once,
/// and only the last event of what was gathered together has an id.
#[utoipa::path(get, path = "/v1/staff/events", tag = "staff", security(("bearer" = [])),
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was read.")),
    responses((status = 200, description = "The stream. The schema has the data of each event by its name.",
                   content_type = "text/event-stream", body = StaffEvents),
              EventsProblems))]
pub(super) async fn follow_staff_events(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = app.streams.enter_as_staff()?;
    let feed = app.engine.follow_staff(&staff, last_place(&headers))?;
    let news = stream::unfold((feed, app), |(mut feed, app)| async move {
        let (place, news) = feed.next().await?;
        let (name, data) = written(&app, &news);
        Some((event(name, place, &data), (feed, app)))
    });
    Ok(place.stream(news))
}

fn written(app: &App, news: &StaffNews) -> (&'static str, Bytes) {
    match news {
        StaffNews::Resync => ("resync", Bytes::from_static(b"{}")),
        StaffNews::Pool(pool) => {
            // Without a catalogue, while everything is read from the store again, nothing has a name.
            let catalogue = app.engine.catalogue().unwrap_or_default();
            ("pool", bytes_of(&StaffPool::new(pool, &catalogue)).into())
        }
        StaffNews::Catalogue(version) => ("catalogue", bytes_of(&CatalogueNews { version: *version }).into()),
        StaffNews::Expiry(status) => ("expiry", bytes_of(&Expiry::from(status)).into()),
    }
}
