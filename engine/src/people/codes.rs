//! Codes that are sent to a phone and typed in: to reset a password, to confirm a new phone (R1).
//!
//! Eight digits, five tries, fifteen minutes, one use: whoever redeems it ends it in the same statement. A code is stored as
//! a keyed hash together with the message that carries it, in one transaction. Asking for a nobody's code takes the same:
//! it is stored too, for candidate 0, and sent to nobody.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand::fill;
use kaowei_core::ids::CandidateId;
use kaowei_core::time::{Moment, Span};

use super::messages::{CodePurpose, SentCode, code_message};
use super::unavailable;
use crate::failure::Failure;
use crate::store::{Statement, Store, on};

/// How long a code may be typed in.
const LIFE: Span = Span::from_secs(900);

/// How often it may be mistyped.
const TRIES: i64 = 5;

/// Whom the codes of accounts that do not exist belong to.
const NOBODY: i64 = 0;

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
}

/// A code that was typed in right.
pub(crate) struct Redeemed {
    pub(crate) candidate: CandidateId,
    /// The phone it was sent to.
    pub(crate) phone: String,
}

const COLUMNS: [&str; 7] = [
    "id",
    "purpose",
    "candidate",
    "phone",
    "code",
    "tries_left",
    "ends_at",
];

/// Every answer costs a try, the right one all of them; another row, or none, costs the same write.
const TRY: &str = "UPDATE codes SET tries_left = CASE WHEN code = $4 THEN 0 ELSE tries_left - 1 END \
     WHERE id = $1 AND purpose = $2 AND tries_left > 0 AND ends_at > $3 RETURNING candidate, phone, code";

const BIND: &str =
    "UPDATE accounts SET phone = new.phone FROM ({rows}) AS new WHERE accounts.candidate = new.candidate";
const END: &str = "DELETE FROM codes WHERE id IN ({rows})";
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
        let people = &self.store.people;
        let ends_at = now + LIFE;
        let code = random_digits()?;
        let (candidate, phone) = new
            .of
            .map_or((NOBODY, ""), |(candidate, phone)| (candidate.0, phone));
        let sealed = self.store.secrets.seal(phone).map_err(|_| Failure::Internal)?;
        let row = [
            new.id.into(),
            new.purpose.as_str().into(),
            candidate.into(),
            sealed.into(),
            self.hash(new.id, confirmed(new.purpose, phone), &code).into(),
            TRIES.into(),
            ends_at.into(),
        ];
        let mut statements = vec![
            Statement::new(WITHDRAW_FORGOTTEN, &["now"], [[now.into()]]),
            Statement::new(FORGET, &["now"], [[now.into()]]),
            Statement::new(WITHDRAW, &["id"], [[new.id.into()]]),
            Statement::upsert("codes", &["id"], &COLUMNS, [row]),
        ];
        if let Some((candidate, phone)) = new.of {
            let sent = SentCode {
                purpose: new.purpose,
                phone: phone.into(),
                code,
                ends_at,
            };
            statements.push(code_message(&self.store, new.id, candidate, sent, now)?);
        }
        people
            .write(&statements)
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(ends_at)
    }

    /// Takes a code that was typed in, and ends it; none where it is not the right one, or holds no more. `phone` is the
    /// one that it confirms, if it confirms one.
    pub(crate) async fn redeem(
        &self,
        id: &str,
        purpose: CodePurpose,
        phone: &str,
        code: &str,
        now: Moment,
    ) -> Result<Option<Redeemed>, Failure> {
        type Row = (i64, Vec<u8>, Vec<u8>);
        let hash = self.hash(id, confirmed(purpose, phone), code);
        let wanted = hash.clone();
        let found: Option<Row> = on!(&self.store.people, pool => {
            sqlx::query_as(TRY)
                .bind(id)
                .bind(purpose.as_str())
                .bind(now.unix_ms())
                .bind(wanted)
                .fetch_optional(pool)
                .await
        })
        .map_err(|error| unavailable(&error))?;
        let right = found.filter(|(candidate, _, stored)| {
            verify_slices_are_equal(stored, &hash).is_ok() && *candidate != NOBODY
        });
        let Some((candidate, phone, _)) = right else {
            return Ok(None);
        };
        Ok(Some(Redeemed {
            candidate: CandidateId(candidate),
            phone: self.store.secrets.open(&phone).map_err(|_| Failure::Internal)?,
        }))
    }

    /// Removes a code that was used, and sets the phone that it confirmed.
    pub(crate) async fn confirm_phone(&self, id: &str, redeemed: &Redeemed) -> Result<(), Failure> {
        let people = &self.store.people;
        let sealed = self.store.secrets.seal(&redeemed.phone);
        let sealed = sealed.map_err(|_| Failure::Internal)?;
        let bound = [redeemed.candidate.into(), sealed.into()];
        people
            .write(&[
                Statement::new(BIND, &["candidate", "phone"], [bound]),
                Statement::new(WITHDRAW, &["id"], [[id.into()]]),
                Statement::new(END, &["id"], [[id.into()]]),
            ])
            .await
            .map_err(|error| unavailable(&error))
    }

    fn hash(&self, id: &str, phone: &str, code: &str) -> Vec<u8> {
        self.store
            .secrets
            .index(&format!("code\n{id}\n{phone}\n{}", code.trim()))
    }
}

/// Ends all codes of an account, in the transaction that the statements join.
pub(super) fn end_codes_of(candidate: CandidateId) -> [Statement<'static>; 2] {
    [WITHDRAW_THOSE_OF, END_THOSE_OF].map(|sql| Statement::new(sql, &["candidate"], [[candidate.into()]]))
}

/// The phone that a code confirms: another with the right code confirms nothing, and costs a try.
fn confirmed(purpose: CodePurpose, phone: &str) -> &str {
    match purpose {
        CodePurpose::PasswordReset => "",
        CodePurpose::PhoneChange => phone,
    }
}

/// Eight digits, each as likely as the other.
fn random_digits() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    fill(&mut bytes).map_err(|_| Failure::Internal)?;
    // 2^128 modulo 10^8 favours no number by more than 10^-30.
    Ok(format!("{:08}", u128::from_be_bytes(bytes) % 100_000_000))
}
