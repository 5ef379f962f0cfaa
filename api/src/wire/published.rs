//! Answers kept as bytes: serialised once for each change, compressed once for each encoding asked for.

use std::sync::{Arc, OnceLock};

use axum::response::Response;
use bytes::Bytes;
use dashmap::DashMap;
use http::header::{CONTENT_ENCODING, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use kaowei_core::ids::CampusCode;
use kaowei_core::sites::{Paper, Sitting};
use kaowei_core::time::{Moment, Span};
use parking_lot::Mutex;

use super::answer::bytes_json;
use super::encoding::{Encoding, compress};
use super::etag::{content_tag, not_modified, tagged};

/// What is kept: the pools of one campus, of one paper or both.
pub type PublishedKey = (CampusCode, Option<Paper>);

/// One answer as bytes.
#[derive(Debug)]
pub struct Published {
    version: (u64, u64),
    valid_until: Moment,
    plain: Bytes,
    tag: HeaderValue,
    gzip: OnceLock<Bytes>,
    brotli: OnceLock<Bytes>,
}

impl Published {
    /// An answer of that version, which time alone changes at `changes_at`.
    pub fn new(version: (u64, u64), now: Moment, changes_at: Moment, plain: Bytes) -> Self {
        Self {
            version,
            valid_until: changes_at.min(now + USED_FOR),
            tag: content_tag(&plain),
            plain,
            gzip: OnceLock::new(),
            brotli: OnceLock::new(),
        }
    }

    /// As the answer to a request: 304, or the bytes in the best encoding.
    pub async fn respond(&self, headers: &HeaderMap) -> Response {
        if let Some(unchanged) = not_modified(headers, &self.tag) {
            return unchanged;
        }
        let encoding = Encoding::of(headers);
        let bytes = self.encoded(encoding).await;
        let mut response = tagged(bytes_json(StatusCode::OK, bytes), &self.tag);
        response
            .headers_mut()
            .insert(VARY, HeaderValue::from_static("accept-encoding"));
        if let Some(encoding) = encoding.header() {
            response.headers_mut().insert(CONTENT_ENCODING, encoding);
        }
        response
    }

    async fn encoded(&self, encoding: Encoding) -> Bytes {
        let kept = match encoding {
            Encoding::Plain => return self.plain.clone(),
            Encoding::Gzip => &self.gzip,
            Encoding::Brotli => &self.brotli,
        };
        if let Some(bytes) = kept.get() {
            return bytes.clone();
        }
        let bytes = compress(self.plain.clone(), encoding).await;
        kept.get_or_init(|| bytes).clone()
    }
}

/// How long an answer is used without being made anew, whatever its version says: versions begin anew after a
/// recovery, and must not then be taken for older ones.
const USED_FOR: Span = Span::from_secs(1);

/// The kept answers.
#[derive(Debug, Default)]
pub struct PublishedBytes {
    kept: DashMap<PublishedKey, Arc<Published>>,
}

impl PublishedBytes {
    /// The answer of that version, if it is kept.
    pub fn get(&self, key: PublishedKey, version: (u64, u64), now: Moment) -> Option<Arc<Published>> {
        let kept = self.kept.get(&key)?;
        (kept.version == version && now < kept.valid_until).then(|| Arc::clone(&kept))
    }

    /// Keeps an answer. Keys are of campuses that exist, so their number is bounded.
    pub fn keep(&self, key: PublishedKey, made: Published) -> Arc<Published> {
        let made = Arc::new(made);
        self.kept.insert(key, Arc::clone(&made));
        made
    }
}

/// The sitting as bytes: made anew when another one is set.
#[derive(Debug, Default)]
pub struct KeptSitting(Mutex<Option<(Arc<Sitting>, Arc<Published>)>>);

impl KeptSitting {
    /// The answer of that sitting, made now if another was kept.
    pub fn get_or_make(&self, sitting: &Arc<Sitting>, write: impl FnOnce() -> Bytes) -> Arc<Published> {
        let mut kept = self.0.lock();
        if let Some((of, published)) = &*kept
            && Arc::ptr_eq(of, sitting)
        {
            return Arc::clone(published);
        }
        let made = Arc::new(Published::new((0, 0), Moment::MIN, Moment::MAX, write()));
        *kept = Some((Arc::clone(sitting), Arc::clone(&made)));
        made
    }
}
