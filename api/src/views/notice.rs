//! A notice as its candidate reads it.

use kaowei_engine::{Catalogue, NoticeView};
use serde::Serialize;
use utoipa::ToSchema;

use super::Instant;
use crate::notices::words;
use crate::problem::Language;

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// 候补成功: a waiting claim got a seat.
    Promoted,
    /// A payment deadline is 6 hours or 1 hour away.
    DeadlineNear,
    /// 超时删除: a hold's deadline passed unpaid.
    Expired,
    /// 已支付
    Paid,
    /// 资格复核: staff decided.
    ReviewDecided,
    /// 退款: money is to go back.
    RefundDue,
    /// 已退款: it is back.
    Refunded,
}

/// Something that a candidate is told without asking (R36).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Notice {
    /// Opaque; the same over `GET /v1/notices`, `GET /v1/events` and the webhook.
    #[schema(example = "99-1234")]
    pub id: String,
    /// What it is about.
    #[schema(value_type = NoticeKind)]
    pub kind: &'static str,
    /// When it happened.
    pub at: Instant,
    /// The claim, if it is about one.
    #[schema(example = "991010-1-17")]
    pub claim: Option<String>,
    /// That claim's pool.
    #[schema(example = "991010-1")]
    pub pool: Option<String>,
    /// The order, if it is about one.
    #[schema(example = "8f3a5c0b7d21e694")]
    pub order: Option<String>,
    /// The payment deadline that it tells, if it tells one.
    pub held_until: Option<Instant>,
    /// In a few words, in the language asked for.
    pub title: String,
    /// A sentence or two, in the language asked for.
    pub text: String,
}

/// Own notices, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NoticeList {
    /// The notices.
    pub notices: Vec<Notice>,
    /// The cursor of the next page, if there is one.
    pub next_cursor: Option<String>,
    /// When to ask again.
    pub next_poll_ms: u32,
}

impl Notice {
    /// A notice in a language.
    pub fn new(view: &NoticeView, catalogue: &Catalogue, language: Language) -> Self {
        let words = words(&view.notice, catalogue);
        let claim = view.notice.claim();
        Self {
            id: view.id.to_string(),
            kind: view.notice.kind(),
            at: view.at.into(),
            claim: claim.map(|claim| claim.to_string()),
            pool: claim.map(|claim| claim.pool.to_string()),
            order: view.notice.order().map(|order| order.to_string()),
            held_until: view.notice.held_until().map(Instant),
            title: words.title.in_language(language).into(),
            text: words.text.in_language(language).into(),
        }
    }
}
