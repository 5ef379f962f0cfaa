//! `ETag`s of what is polled, and 304 for what has not changed.

use std::hash::Hasher as _;

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};

/// The tag of these very bytes.
pub fn content_tag(bytes: &[u8]) -> HeaderValue {
    // Keys fixed: the same bytes have the same tag on every node of one release.
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(bytes);
    let tag = format!("\"{:016x}\"", hasher.finish());
    HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// The answer 304 if the client has what that tag names.
pub fn not_modified(headers: &HeaderMap, tag: &HeaderValue) -> Option<Response> {
    let known = headers.get(IF_NONE_MATCH)?.as_bytes();
    let matches = known == b"*"
        || known.split(|byte| *byte == b',').any(|given| {
            let given = given.trim_ascii();
            given.strip_prefix(b"W/").unwrap_or(given) == tag.as_bytes()
        });
    matches.then(|| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        tagged(response, tag)
    })
}

/// An answer with its tag. It may be kept, but not used without asking.
pub fn tagged(mut response: Response, tag: &HeaderValue) -> Response {
    let headers = response.headers_mut();
    headers.insert(ETAG, tag.clone());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_has_already_is_304() {
        let tag = content_tag(b"abc");
        assert_eq!(tag, content_tag(b"abc"));
        assert_ne!(tag, content_tag(b"abd"));
        for (given, same) in [
            (tag.to_str().unwrap().to_owned(), true),
            (format!("\"x\", W/{}", tag.to_str().unwrap()), true),
            ("*".into(), true),
            ("\"x\"".into(), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, given.parse().unwrap());
            assert_eq!(not_modified(&headers, &tag).is_some(), same, "{given}");
        }
        assert!(not_modified(&HeaderMap::new(), &tag).is_none());
    }
}
