//! What handlers read requests and write answers with: bodies, parameters, idempotency keys, `ETag`s, published bytes.

mod answer;
mod body;
mod cursor;
mod encoding;
mod etag;
mod idempotency;
mod mistake;
mod params;
mod published;

pub use answer::{answer_tagged, bytes_json, bytes_of, bytes_tagged, json};
pub(crate) use body::check_type;
pub use body::{BODY_BYTES_MAX, Depth, RawJson, parse};
pub use cursor::{LIST_MAX, Page, cursor_after, page_of};
pub use encoding::{Encoding, compress};
pub use etag::{content_tag, not_modified, tagged};
pub use idempotency::{IdempotencyKey, Operation};
pub use params::{Params, PathId};
pub use published::{KeptSitting, Published, PublishedBytes, PublishedKey};
