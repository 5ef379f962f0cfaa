//! Messages: what is handed to the webhook one by one until it is taken or its time is over (R36): codes, which no event
//! stands for, and notices that the receiver refused while it took others.
//!
//! Their bodies are sealed. A code's message is written in the transaction that makes the code, and withdrawn in the one
//! that ends it, so that no code is sent that does not hold.

use kaowei_core::ids::CandidateId;
use kaowei_core::notices::Notice;
use kaowei_core::time::Moment;
use serde::{Deserialize, Serialize};

use super::unavailable;
use crate::failure::Failure;
use crate::store::{Statement, Store, on};

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodePurpose {
    /// To set a new password without the old one.
    PasswordReset,
    /// To show that a new phone is the candidate's.
    PhoneChange,
}

impl CodePurpose {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::PasswordReset => "password_reset",
            Self::PhoneChange => "phone_change",
        }
    }
}

/// A code on its way to a phone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentCode {
    /// What it is for.
    pub purpose: CodePurpose,
    /// Where it goes: not always to the bound phone.
    pub phone: String,
    /// The code.
    pub code: String,
    /// Until when it may be typed in.
    pub ends_at: Moment,
}

/// Shows neither phone nor code.
impl std::fmt::Debug for SentCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SentCode({:?}, …)", self.purpose)
    }
}

/// What a message is, as it is sealed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MessageBody {
    Code(SentCode),
    Notice { id: String, notice: Notice },
}

impl MessageBody {
    pub(crate) fn seal(&self, store: &Store) -> Result<Vec<u8>, Failure> {
        let text = serde_json::to_string(self).map_err(|_| Failure::Internal)?;
        store.secrets.seal(&text).map_err(|_| Failure::Internal)
    }

    fn open(store: &Store, number: i64, sealed: &[u8]) -> Option<Self> {
        let unreadable = |error: &dyn std::fmt::Display| {
            tracing::error!(message = number, %error, "a message to the webhook can't be read; it is given up");
        };
        let text = store
            .secrets
            .open(sealed)
            .map_err(|error| unreadable(&error))
            .ok()?;
        serde_json::from_str(&text)
            .map_err(|error| unreadable(&error))
            .ok()
    }
}

/// A message whose time to be sent has come.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) number: i64,
    pub(crate) candidate: CandidateId,
    /// None where it can't be read.
    pub(crate) body: Option<MessageBody>,
    pub(crate) created_at: Moment,
    pub(crate) expires_at: Moment,
    pub(crate) attempts: u32,
}

const ADD_CODE: &str = "INSERT INTO messages (candidate, code, body, created_at, expires_at, next_at, attempts) \
     SELECT candidate, code, body, created_at, expires_at, created_at, 0 FROM ({rows}) AS new";
const CODE: [&str; 5] = ["candidate", "code", "body", "created_at", "expires_at"];
const DUE: &str = "SELECT message, candidate, body, created_at, expires_at, attempts FROM messages \
     WHERE next_at <= $1 AND candidate <> 0 ORDER BY next_at, message LIMIT $2";

/// The message that carries a code, in the transaction that makes the code.
pub(super) fn code_message(
    store: &Store,
    id: &str,
    recipient: CandidateId,
    code: SentCode,
    now: Moment,
) -> Result<Statement<'static>, Failure> {
    let ends_at = code.ends_at;
    let row = [
        recipient.into(),
        id.to_owned().into(),
        MessageBody::Code(code).seal(store)?.into(),
        now.into(),
        ends_at.into(),
    ];
    Ok(Statement::new(ADD_CODE, &CODE, [row]))
}

/// Those that are to be sent by now, the longest due first; those to nobody never are.
pub(crate) async fn due_messages(store: &Store, now: Moment, limit: i64) -> Result<Vec<Message>, Failure> {
    type Row = (i64, i64, Vec<u8>, i64, i64, i64);
    let rows: Vec<Row> = on!(&store.people, pool => {
        sqlx::query_as(DUE).bind(now.unix_ms()).bind(limit).fetch_all(pool).await
    })
    .map_err(|error| unavailable(&error))?;
    let read = |(number, candidate, sealed, created_at, expires_at, attempts): Row| Message {
        number,
        candidate: CandidateId(candidate),
        body: MessageBody::open(store, number, &sealed),
        created_at: Moment::from_unix_ms(created_at),
        expires_at: Moment::from_unix_ms(expires_at),
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
    };
    Ok(rows.into_iter().map(read).collect())
}
