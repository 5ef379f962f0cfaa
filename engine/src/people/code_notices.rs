//! What carries a code to a phone: a notice that is durable together with its code, for the outbox to send (R36).
//!
//! [`keep`] is the one place where such a notice is written, [`after`] the one where it is read.

use kaowei_core::ids::CandidateId;
use kaowei_core::time::Moment;
use serde::{Deserialize, Serialize};

use super::unavailable;
use crate::failure::Failure;
use crate::store::Kind::{Bytes, Integer, Text};
use crate::store::{Column, Db, Statement, Store, on};

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeNoticeKind {
    /// To set a new password without the old one.
    PasswordReset,
    /// To show that a new phone is the candidate's.
    PhoneChange,
}

/// A code on its way to a phone.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeNotice {
    /// Rises from notice to notice.
    pub id: i64,
    /// What the code is for.
    pub kind: CodeNoticeKind,
    /// Whose it is.
    pub candidate: CandidateId,
    /// Where it goes.
    pub phone: String,
    /// The code.
    pub code: String,
    /// When it was asked for.
    pub created_at: Moment,
    /// Until when it may be typed in.
    pub ends_at: Moment,
}

/// Shows neither phone nor code.
impl std::fmt::Debug for CodeNotice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "CodeNotice({}, {:?}, {}, …)",
            self.id, self.kind, self.candidate
        )
    }
}

/// What is sealed of a notice.
#[derive(Serialize, Deserialize)]
pub(super) struct Payload<'a> {
    pub(super) phone: &'a str,
    pub(super) code: &'a str,
    pub(super) ends_at: Moment,
}

impl CodeNoticeKind {
    /// Its name, in the table and for whoever sends it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PasswordReset => "password_reset_code",
            Self::PhoneChange => "phone_change_code",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::PasswordReset, Self::PhoneChange]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

const COLUMNS: [Column; 5] = [
    ("kind", Text),
    ("candidate", Integer),
    ("payload", Bytes),
    ("created_at", Integer),
    ("ends_at", Integer),
];

const AFTER: &str = "SELECT id, kind, candidate, payload, created_at FROM code_notices \
     WHERE id > $1 AND ends_at > $2 AND candidate <> 0 ORDER BY id LIMIT $3";
const LAST: &str = "SELECT payload FROM code_notices \
     WHERE candidate = $1 AND kind = $2 AND ends_at > $3 ORDER BY id DESC LIMIT 1";

/// Writes a notice, in the transaction that the statement joins.
pub(super) fn keep(
    store: &Store,
    kind: CodeNoticeKind,
    recipient: CandidateId,
    payload: &Payload<'_>,
    now: Moment,
) -> Result<Statement, Failure> {
    let text = serde_json::to_string(payload).map_err(|_| Failure::Internal)?;
    let sealed = store.secrets.seal(&text).map_err(|_| Failure::Internal)?;
    let row = [(
        kind.as_str(),
        recipient.0,
        hex::encode(sealed),
        now,
        payload.ends_at,
    )];
    let rows = serde_json::to_string(&row).map_err(|_| Failure::Internal)?;
    let sql = format!(
        "INSERT INTO code_notices (kind, candidate, payload, created_at, ends_at) {}",
        store.people.unfold(&COLUMNS)
    );
    Ok(Statement::new(sql, rows))
}

/// Forgets codes that hold no more, and the notices that carried them.
pub(super) fn forget_ended(people: &Db, now: Moment) -> Result<Vec<Statement>, Failure> {
    let rows = serde_json::to_string(&[(now,)]).map_err(|_| Failure::Internal)?;
    let unfolded = people.unfold(&[("now", Integer)]);
    let forget = |table: &str| {
        let sql = format!("DELETE FROM {table} WHERE ends_at <= (SELECT new.now FROM ({unfolded}) AS new)");
        Statement::new(sql, rows.clone())
    };
    Ok(["codes", "code_notices"].map(forget).into())
}

/// Forgets all codes of the candidates in these rows, and the notices that carried them.
pub(super) fn forget_all_of(unfolded: &str, rows: &str) -> [Statement; 2] {
    ["codes", "code_notices"].map(|table| {
        let sql =
            format!("DELETE FROM {table} WHERE candidate IN (SELECT candidate FROM ({unfolded}) AS new)");
        Statement::new(sql, rows.into())
    })
}

/// The code that was sent last, while it holds.
pub(super) async fn last_code(
    store: &Store,
    kind: CodeNoticeKind,
    recipient: CandidateId,
    now: Moment,
) -> Result<Option<String>, Failure> {
    let found: Option<(Vec<u8>,)> = on!(&store.people, pool => {
        sqlx::query_as(LAST)
            .bind(recipient.0)
            .bind(kind.as_str())
            .bind(now.unix_ms())
            .fetch_optional(pool)
            .await
    })
    .map_err(|error| unavailable(&error))?;
    let Some((sealed,)) = found else { return Ok(None) };
    let text = store.secrets.open(&sealed).map_err(|_| Failure::Internal)?;
    let payload: Payload<'_> = serde_json::from_str(&text).map_err(|_| Failure::Internal)?;
    Ok(Some(payload.code.into()))
}

/// The notices after that one whose codes still hold, oldest first; without those to nobody.
pub(crate) async fn after(
    store: &Store,
    id: i64,
    now: Moment,
    limit: u32,
) -> Result<Vec<CodeNotice>, Failure> {
    type Row = (i64, String, i64, Vec<u8>, i64);
    let rows: Vec<Row> = on!(&store.people, pool => {
        sqlx::query_as(AFTER)
            .bind(id)
            .bind(now.unix_ms())
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await
    })
    .map_err(|error| unavailable(&error))?;
    let read = |(id, kind, candidate, payload, created_at): Row| {
        let kind = CodeNoticeKind::named(&kind)?;
        let text = store.secrets.open(&payload).ok()?;
        let payload: Payload<'_> = serde_json::from_str(&text).ok()?;
        Some(CodeNotice {
            id,
            kind,
            candidate: CandidateId(candidate),
            phone: payload.phone.into(),
            code: payload.code.into(),
            created_at: Moment::from_unix_ms(created_at),
            ends_at: payload.ends_at,
        })
    };
    rows.into_iter()
        .map(|row| {
            let number = row.0;
            read(row).ok_or_else(|| {
                tracing::error!(notice = number, "a code's notice can't be read");
                Failure::Internal
            })
        })
        .collect()
}
