//! Compression of bytes that are kept: once for each encoding that is asked for.

use std::convert::Infallible;

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response};
use tower::{Layer, ServiceExt};
use tower_http::compression::CompressionLayer;

/// How bytes are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// As they are.
    Plain,
    /// gzip
    Gzip,
    /// Brotli
    Brotli,
}

impl Encoding {
    /// The best that the client takes.
    pub fn of(headers: &HeaderMap) -> Self {
        let Some(accepted) = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()) else {
            return Self::Plain;
        };
        let takes = |name: &str| {
            accepted.split(',').any(|item| {
                let mut parts = item.split(';').map(str::trim);
                let named = parts
                    .next()
                    .is_some_and(|coding| coding.eq_ignore_ascii_case(name));
                let refused = parts.any(|part| {
                    part.strip_prefix("q=")
                        .and_then(|weight| weight.parse::<f32>().ok())
                        == Some(0.0)
                });
                named && !refused
            })
        };
        if takes("br") {
            Self::Brotli
        } else if takes("gzip") {
            Self::Gzip
        } else {
            Self::Plain
        }
    }

    /// As `Content-Encoding` writes it; none for plain.
    pub fn header(self) -> Option<HeaderValue> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some(HeaderValue::from_static("gzip")),
            Self::Brotli => Some(HeaderValue::from_static("br")),
        }
    }
}

/// The bytes in that encoding, by tower-http's compression around an answer that is the bytes.
pub async fn compress(bytes: Bytes, encoding: Encoding) -> Bytes {
    let Some(wanted) = encoding.header() else {
        return bytes;
    };
    let plain = bytes.clone();
    let answer = tower::service_fn(move |_: Request<Body>| {
        let mut response = Response::new(Body::from(plain.clone()));
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let mut request = Request::new(Body::empty());
    request.headers_mut().insert(ACCEPT_ENCODING, wanted);
    let Ok(response) = CompressionLayer::new().layer(answer).oneshot(request).await;
    let body = Body::new(response.into_body());
    to_bytes(body, usize::MAX).await.unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(accepted: &'static str) -> Encoding {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accepted));
        Encoding::of(&headers)
    }

    #[test]
    fn the_best_encoding_that_is_taken_is_used() {
        assert_eq!(encoding("gzip, deflate, br"), Encoding::Brotli);
        assert_eq!(encoding("gzip;q=0.5, br;q=0"), Encoding::Gzip);
        assert_eq!(encoding("identity"), Encoding::Plain);
        assert_eq!(Encoding::of(&HeaderMap::new()), Encoding::Plain);
    }

    #[tokio::test]
    async fn compressed_bytes_are_fewer() {
        let plain = Bytes::from(vec![b'a'; 10_000]);
        for encoding in [Encoding::Gzip, Encoding::Brotli] {
            assert!(compress(plain.clone(), encoding).await.len() < 200);
        }
        assert_eq!(compress(plain.clone(), Encoding::Plain).await, plain);
    }
}
