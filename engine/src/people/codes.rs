//! Codes that are sent to a phone and typed in: to reset a password, to confirm a new phone (R1).
//!
//! Eight digits, five tries, fifteen minutes, one use. A code is stored as a keyed hash together with the message that
//! carries it, in one transaction. Asking for a nobody's code takes the same: it and its message are stored too, for
//! candidate 0, and sent to nobody.
//!
//! Whoever asks gets an id of their own with tries of their own, so that a stranger who asks too takes nothing from the
//! holder. What goes out to a phone is counted for the account ([`Message`]).

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand::fill;
use kaowei_core::ids::CandidateId;
use kaowei_core::time::{Moment, Span};

use super::messages::{CodePurpose, SentCode, code_message};
use super::unavailable;
use crate::failure::{Denied, Failure};
use crate::store::{Statement, Store, Value, is_storable, on};

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
    pub(crate) purpose: CodePurpose,
    /// Whose it is, and the phone it goes to; none where there is no such account.
    pub(crate) of: Option<(CandidateId, &'a str)>,
    pub(crate) message: Message,
}

/// A code that was typed in right.
pub(crate) struct Redeemed {
    id: String,
    purpose: CodePurpose,
    pub(crate) candidate: CandidateId,
    /// The phone it was sent to.
    pub(crate) phone: String,
}

const COLUMNS: [&str; 8] = [
    "id",
    "purpose",
    "candidate",
    "phone",
    "code",
    "sent",
    "tries_left",
    "ends_at",
];

/// Every answer costs a try; another row, or none, costs the same write.
const TRY: &str = "UPDATE codes SET tries_left = tries_left - 1 \
     WHERE id = $1 AND purpose = $2 AND tries_left > 0 AND ends_at > $3 RETURNING candidate, phone, code";
/// All that share it are used up with it: of those who hand it in at once, one is told its id.
const USE_UP: &str = "UPDATE codes SET tries_left = -1 \
     WHERE candidate = $1 AND purpose = $2 AND tries_left >= 0 RETURNING id";
const LAST: &str = "SELECT sent FROM codes WHERE candidate = $1 AND purpose = $2 AND ends_at > $3 \
     AND sent IS NOT NULL AND tries_left >= 0 ORDER BY ends_at DESC LIMIT 1";
const BIND: &str =
    "UPDATE accounts SET phone = new.phone FROM ({rows}) AS new WHERE accounts.candidate = new.candidate";
const WITHDRAW: &str = "DELETE FROM messages WHERE code IN ({rows})";
const END_THOSE_OF: &str = "DELETE FROM codes WHERE candidate IN ({rows})";
const WITHDRAW_THOSE_OF: &str =
    "DELETE FROM messages WHERE code IN (SELECT id FROM codes WHERE candidate IN ({rows}))";
const FORGET: &str = "DELETE FROM codes WHERE ends_at <= ({rows})";
const WITHDRAW_FORGOTTEN: &str =
    "DELETE FROM messages WHERE code IN (SELECT id FROM codes WHERE ends_at <= ({rows}))";

impl Codes {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Makes a code and the message that carries it; until when it holds. An earlier one of the same id holds no more.
    pub(crate) async fn make(&self, new: NewCode<'_>, now: Moment) -> Result<Moment, Failure> {
        let secrets = &self.store.secrets;
        let sealed = |text: &str| secrets.seal(text).map_err(|_| Failure::Internal);
        let ends_at = now + LIFE;
        let (candidate, phone) = new.of.unwrap_or((NOBODY, ""));
        let shared = match new.message {
            Message::Own => None,
            Message::Last => self.last_sent(new.purpose, candidate, now).await?,
        };
        let is_shared = shared.is_some();
        let code = shared.map_or_else(random_digits, Ok)?;
        let sent = if is_shared { None } else { Some(sealed(&code)?) };
        let row: [Value<'_>; 8] = [
            new.id.into(),
            new.purpose.as_str().into(),
            candidate.into(),
            sealed(phone)?.into(),
            self.hash(new.id, &code).into(),
            sent.into(),
            TRIES.into(),
            ends_at.into(),
        ];
        let mut statements = vec![
            Statement::new(WITHDRAW_FORGOTTEN, &["now"], [[now.into()]]),
            Statement::new(FORGET, &["now"], [[now.into()]]),
            Statement::new(WITHDRAW, &["id"], [[new.id.into()]]),
            Statement::upsert("codes", &["id"], &COLUMNS, [row]),
        ];
        if !is_shared {
            let sent = SentCode {
                purpose: new.purpose,
                phone: phone.into(),
                code,
                ends_at,
            };
            statements.push(code_message(&self.store, new.id, candidate, sent, now)?);
        }
        let written = self.store.people.write(&statements).await;
        written.map_err(|error| unavailable(&error))?;
        Ok(ends_at)
    }

    /// The code whose message went out last, while it holds.
    async fn last_sent(
        &self,
        purpose: CodePurpose,
        recipient: CandidateId,
        now: Moment,
    ) -> Result<Option<String>, Failure> {
        let found: Option<(Vec<u8>,)> = on!(&self.store.people, pool => {
            sqlx::query_as(LAST)
                .bind(recipient.0)
                .bind(purpose.as_str())
                .bind(now.unix_ms())
                .fetch_optional(pool)
                .await
        })
        .map_err(|error| unavailable(&error))?;
        let code = found.map(|(sealed,)| self.store.secrets.open(&sealed));
        code.transpose().map_err(|_| Failure::Internal)
    }

    /// Takes a code that was typed in; none where it is not the right one, or holds no more.
    pub(crate) async fn redeem(
        &self,
        id: &str,
        purpose: CodePurpose,
        code: &str,
        now: Moment,
    ) -> Result<Option<Redeemed>, Failure> {
        type Row = (i64, Vec<u8>, Vec<u8>);
        // Whoever asks may have made it up.
        if !is_storable(id) {
            return Ok(None);
        }
        let found: Option<Row> = on!(&self.store.people, pool => {
            sqlx::query_as(TRY)
                .bind(id)
                .bind(purpose.as_str())
                .bind(now.unix_ms())
                .fetch_optional(pool)
                .await
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
            id: id.into(),
            purpose,
            candidate: CandidateId(candidate),
            phone: self.store.secrets.open(&phone).map_err(|_| Failure::Internal)?,
        }))
    }

    /// Uses a code up, before what it allows is done.
    ///
    /// # Errors
    /// [`Denied::BadCredentials`] where somebody else has done so meanwhile.
    pub(crate) async fn use_up(&self, redeemed: &Redeemed) -> Result<(), Denied> {
        let used: Vec<(String,)> = on!(&self.store.people, pool => {
            sqlx::query_as(USE_UP)
                .bind(redeemed.candidate.0)
                .bind(redeemed.purpose.as_str())
                .fetch_all(pool)
                .await
        })
        .map_err(|error| unavailable(&error))?;
        let is_first = used.iter().any(|(id,)| *id == redeemed.id);
        is_first.then_some(()).ok_or(Denied::BadCredentials)
    }

    /// Sets the phone that a code confirmed. All codes of the account end with it: somebody else may have the old phone.
    pub(crate) async fn confirm_phone(&self, redeemed: &Redeemed) -> Result<(), Failure> {
        let sealed = self.store.secrets.seal(&redeemed.phone);
        let sealed = sealed.map_err(|_| Failure::Internal)?;
        let bound = [redeemed.candidate.into(), sealed.into()];
        let mut statements = vec![Statement::new(BIND, &["candidate", "phone"], [bound])];
        statements.extend(end_codes_of(redeemed.candidate));
        let written = self.store.people.write(&statements).await;
        written.map_err(|error| unavailable(&error))
    }

    fn hash(&self, id: &str, code: &str) -> Vec<u8> {
        let text = format!("code\n{id}\n{}", code.trim());
        self.store.secrets.index(&text).into()
    }
}

/// Ends all codes of an account, in the transaction that the statements join.
pub(super) fn end_codes_of(candidate: CandidateId) -> [Statement<'static>; 2] {
    [WITHDRAW_THOSE_OF, END_THOSE_OF].map(|sql| Statement::new(sql, &["candidate"], [[candidate.into()]]))
}

/// Eight digits, each as likely as the other.
fn random_digits() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    fill(&mut bytes).map_err(|_| Failure::Internal)?;
    // 2^128 modulo 10^8 favours no number by more than 10^-30.
    Ok(format!("{:08}", u128::from_be_bytes(bytes) % 100_000_000))
}
