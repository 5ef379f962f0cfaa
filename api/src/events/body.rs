//! How an event looks on the wire, and from where its reader goes on.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use kaowei_engine::FeedPlace;

/// What a stream of events is.
pub(crate) const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// The place that `Last-Event-ID` names; none where it is none of ours, and then everything is read anew.
pub(crate) fn last_place(headers: &HeaderMap) -> Option<FeedPlace> {
    headers.get("last-event-id")?.to_str().ok()?.parse().ok()
}

/// One event: its name, the place behind it, its data as JSON, which has no line breaks.
pub(crate) fn event(name: &str, place: Option<FeedPlace>, data: &[u8]) -> Bytes {
    let mut text = format!("event: {name}\n").into_bytes();
    if let Some(place) = place {
        text.extend_from_slice(format!("id: {place}\n").as_bytes());
    }
    text.extend_from_slice(b"data: ");
    text.extend_from_slice(data);
    text.extend_from_slice(b"\n\n");
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_written_as_readers_of_streams_take_it() {
        let place: FeedPlace = "1f-17".parse().unwrap();
        assert_eq!(
            event("claim", Some(place), b"{}"),
            "event: claim\nid: 1f-17\ndata: {}\n\n"
        );
        assert_eq!(event("pool", None, b"{}"), "event: pool\ndata: {}\n\n");
    }
}
