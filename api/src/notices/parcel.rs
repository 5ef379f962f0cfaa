//! What the webhook is sent, as `docs/WEBHOOK.md` describes it.

use kaowei_engine::{Catalogue, Content, Parcel};
use serde::Serialize;

use super::{code_kind, code_words, words};
use crate::problem::{Language, Words};
use crate::views::Instant;

/// The body of one request.
#[derive(Debug, Serialize)]
pub(super) struct Body<'a> {
    id: &'a str,
    kind: &'a str,
    at: Instant,
    recipient: Recipient<'a>,
    #[serde(flatten)]
    said: Said<'a>,
}

#[derive(Debug, Serialize)]
struct Recipient<'a> {
    candidate: String,
    phone: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Said<'a> {
    Notice {
        claim: Option<String>,
        pool: Option<String>,
        order: Option<String>,
        held_until: Option<Instant>,
        title: BothLanguages,
        text: BothLanguages,
    },
    Code {
        code: &'a str,
        ends_at: Instant,
        title: BothLanguages,
        text: BothLanguages,
    },
}

#[derive(Debug, Serialize)]
struct BothLanguages {
    #[serde(rename = "zh-CN")]
    zh: String,
    en: String,
}

impl From<&Words> for BothLanguages {
    fn from(words: &Words) -> Self {
        Self {
            zh: words.in_language(Language::Chinese).into(),
            en: words.in_language(Language::English).into(),
        }
    }
}

impl<'a> Body<'a> {
    pub(super) fn new(parcel: &'a Parcel, catalogue: &Catalogue) -> Self {
        let (kind, said) = match &parcel.content {
            Content::Notice(notice) => {
                let words = words(notice, catalogue);
                let said = Said::Notice {
                    claim: notice.claim().map(|claim| claim.to_string()),
                    pool: notice.claim().map(|claim| claim.pool.to_string()),
                    order: notice.order().map(|order| order.to_string()),
                    held_until: notice.held_until().map(Instant),
                    title: (&words.title).into(),
                    text: (&words.text).into(),
                };
                (notice.kind(), said)
            }
            Content::Code(sent) => {
                let words = code_words(sent);
                let said = Said::Code {
                    code: &sent.code,
                    ends_at: sent.ends_at.into(),
                    title: (&words.title).into(),
                    text: (&words.text).into(),
                };
                (code_kind(sent.purpose), said)
            }
        };
        Self {
            id: &parcel.id,
            kind,
            at: parcel.at.into(),
            recipient: Recipient {
                candidate: parcel.candidate.to_string(),
                phone: &parcel.phone,
            },
            said,
        }
    }
}
