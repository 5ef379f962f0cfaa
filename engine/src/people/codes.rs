//! Codes that are sent to a phone and typed in: to reset a password, to confirm a new phone (R1).
//!
//! Eight digits, five tries, fifteen minutes. A code is stored as a keyed hash together with the notice that carries
//! it, in one transaction. Asking for a nobody's code takes the same: it and its notice are stored too, for candidate
//! 0, and sent to nobody.
//!
//! Whoever asks gets an id of their own with tries of their own, so that a stranger who asks too takes nothing from the
//! holder. What goes out to a phone is counted for the account ([`Message`]).

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand::fill;
use kaowei_core::ids::CandidateId;
use kaowei_core::time::{Moment, Span};

use super::code_notices::{self, CodeNoticeKind};
use super::unavailable;
use crate::failure::Failure;
use crate::store::Kind::{Bytes, Integer, Text};
use crate::store::{Column, Statement, Store, is_storable, on, upsert};

/// How long a code may be typed in.
const LIFE: Span = Span::from_secs(900);

/// How often it may be mistyped.
const TRIES: i64 = 5;

/// Whom the codes of accounts that do not exist belong to.
const NOBODY: CandidateId = CandidateId(0);

/// What a code needs to get to its phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// A message of its own.
    Own,
    /// None, while the last one's code holds: it is the same code.
    Last,
}

/// The codes that are out.
#[derive(Debug)]
pub(crate) struct Codes {
    store: Arc<Store>,
}

/// A code to be made.
#[derive(Clone, Copy)]
pub(crate) struct NewCode<'a> {
    /// What it is found by.
    pub(crate) id: &'a str,
    pub(crate) kind: CodeNoticeKind,
    /// Whose it is, and the phone it goes to; none where there is no such account.
    pub(crate) of: Option<(CandidateId, &'a str)>,
    pub(crate) message: Message,
}

/// A code that was typed in right.
pub(crate) struct Redeemed {
    pub(crate) candidate: CandidateId,
    /// The phone it was sent to.
    pub(crate) phone: String,
}

const COLUMNS: [Column; 7] = [
    ("id", Text),
    ("purpose", Text),
    ("candidate", Integer),
    ("phone", Bytes),
    ("code", Bytes),
    ("tries_left", Integer),
    ("ends_at", Integer),
];

/// Every answer costs a try; another row, or none, costs the same write.
const TRY: &str = "UPDATE codes SET tries_left = tries_left - 1 \
     WHERE id = $1 AND purpose = $2 AND tries_left > 0 AND ends_at > $3 RETURNING candidate, phone, code";

impl Codes {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Makes a code and the notice that carries it; until when it holds. An earlier one of the same id holds no more.
    pub(crate) async fn make(&self, new: NewCode<'_>, now: Moment) -> Result<Moment, Failure> {
        let people = &self.store.people;
        let ends_at = now + LIFE;
        let (candidate, phone) = new.of.unwrap_or((NOBODY, ""));
        let sent = match new.message {
            Message::Own => None,
            Message::Last => code_notices::last_code(&self.store, new.kind, candidate, now).await?,
        };
        let is_sent = sent.is_some();
        let code = sent.map_or_else(random_digits, Ok)?;
        let sealed = self.store.secrets.seal(phone).map_err(|_| Failure::Internal)?;
        let row = [(
            new.id,
            new.kind.as_str(),
            candidate.0,
            hex::encode(sealed),
            hex::encode(self.hash(new.id, &code)),
            TRIES,
            ends_at,
        )];
        let json = |row: &[_]| serde_json::to_string(row).map_err(|_| Failure::Internal);
        let mut statements = code_notices::forget_ended(people, now)?;
        statements.push(upsert(people, "codes", &["id"], &COLUMNS, json(&row)?));
        if !is_sent {
            let text = code_notices::Payload {
                phone,
                code: &code,
                ends_at,
            };
            statements.push(code_notices::keep(&self.store, new.kind, candidate, &text, now)?);
        }
        people
            .write(&statements)
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(ends_at)
    }

    /// Takes a code that was typed in; none where it is not the right one, or holds no more.
    pub(crate) async fn redeem(
        &self,
        id: &str,
        kind: CodeNoticeKind,
        code: &str,
        now: Moment,
    ) -> Result<Option<Redeemed>, Failure> {
        type Row = (i64, Vec<u8>, Vec<u8>);
        // Whoever asks may have made it up.
        if !is_storable(id) {
            return Ok(None);
        }
        let found: Option<Row> = on!(&self.store.people, pool => {
            sqlx::query_as(TRY).bind(id).bind(kind.as_str()).bind(now.unix_ms()).fetch_optional(pool).await
        })
        .map_err(|error| unavailable(&error))?;
        let hash = self.hash(id, code);
        let right = found.filter(|(candidate, _, stored)| {
            verify_slices_are_equal(stored, &hash).is_ok() && *candidate != NOBODY.0
        });
        let Some((candidate, phone, _)) = right else {
            return Ok(None);
        };
        Ok(Some(Redeemed {
            candidate: CandidateId(candidate),
            phone: self.store.secrets.open(&phone).map_err(|_| Failure::Internal)?,
        }))
    }

    /// Sets the phone that a code confirmed. All codes of the account end with it: somebody else may have the old phone.
    pub(crate) async fn confirm_phone(&self, redeemed: &Redeemed) -> Result<(), Failure> {
        let people = &self.store.people;
        let sealed = self.store.secrets.seal(&redeemed.phone);
        let sealed = hex::encode(sealed.map_err(|_| Failure::Internal)?);
        let rows = serde_json::to_string(&[(redeemed.candidate.0, sealed)]);
        let rows = rows.map_err(|_| Failure::Internal)?;
        let unfolded = people.unfold(&[("candidate", Integer), ("phone", Bytes)]);
        let bind = format!(
            "UPDATE accounts SET phone = new.phone FROM ({unfolded}) AS new \
             WHERE accounts.candidate = new.candidate"
        );
        let mut statements = vec![Statement::new(bind, rows.clone())];
        statements.extend(code_notices::forget_all_of(&unfolded, &rows));
        people
            .write(&statements)
            .await
            .map_err(|error| unavailable(&error))
    }

    fn hash(&self, id: &str, code: &str) -> [u8; 32] {
        self.store.secrets.index(&format!("code\n{id}\n{}", code.trim()))
    }
}

/// Eight digits, each as likely as the other.
fn random_digits() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    fill(&mut bytes).map_err(|_| Failure::Internal)?;
    // 2^128 modulo 10^8 favours no number by more than 10^-30.
    Ok(format!("{:08}", u128::from_be_bytes(bytes) % 100_000_000))
}
