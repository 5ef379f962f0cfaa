//! What candidates are told of without asking (R36): its words in both languages, and the webhook that it is handed to.

mod parcel;
mod signature;
mod webhook;
mod words;

pub use signature::sign;
pub use webhook::{Webhook, WebhookError};
pub use words::{NoticeWords, words};
use words::{code_kind, code_words};
