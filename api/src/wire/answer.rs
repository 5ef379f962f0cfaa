//! Answers of success.

use axum::body::Body;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use super::etag::{content_tag, not_modified, tagged};

/// JSON that is written already.
pub fn bytes_json(status: StatusCode, bytes: impl Into<Body>) -> Response {
    let mut response = Response::new(bytes.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A value as JSON. What is published here always has a JSON form.
pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    bytes_json(status, bytes_of(value))
}

/// A value as the bytes of its JSON.
pub fn bytes_of<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|error| {
        // Only a map whose keys are no texts has no JSON form, and none is published.
        tracing::error!(%error, "an answer has no JSON form");
        b"null".to_vec()
    })
}

/// A value as JSON with the tag of its bytes; 304 if the client has them.
pub fn answer_tagged<T: Serialize>(headers: &HeaderMap, value: &T) -> Response {
    bytes_tagged(headers, bytes_of(value))
}

/// JSON that is written already, with its tag; 304 if the client has it.
pub fn bytes_tagged(headers: &HeaderMap, bytes: Vec<u8>) -> Response {
    let tag = content_tag(&bytes);
    not_modified(headers, &tag).unwrap_or_else(|| tagged(bytes_json(StatusCode::OK, bytes), &tag))
}
