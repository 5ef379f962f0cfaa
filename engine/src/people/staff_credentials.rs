//! Who staff are and what they log in with (R32): a login and a password, which they set themselves with the code that
//! whoever made the account hands them.
//!
//! A row says nothing of whether its account holds: the journal does. Rows are written before the event that begins their
//! account and stay after the one that ends it, so that the audit trail's pseudonyms have names.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand::fill;
use kaowei_core::ids::StaffAccountId;
use kaowei_core::time::{Moment, Span};
use serde::{Deserialize, Serialize};

use super::unavailable;
use crate::failure::{Denied, Failure};
use crate::store::{Statement, Store, on};

/// How long a code sets a password.
const CODE_LIFE: Span = Span::from_secs(3 * 86_400);

/// Letters that nobody takes for another: five bits each.
const CODE_LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The passwords of staff.
#[derive(Debug)]
pub(crate) struct StaffCredentials {
    store: Arc<Store>,
}

/// A member of staff, as persons.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StaffPerson {
    pub(crate) login: String,
    pub(crate) name: String,
}

/// The request that an account came with: who asked, the key's hash, the body's.
#[derive(Clone, Copy)]
pub(crate) struct StaffRequest<'a> {
    pub(crate) creator: &'a str,
    pub(crate) key: u128,
    pub(crate) body: u128,
}

/// An account as its row has it.
pub(crate) struct StaffRow {
    pub(crate) staff: StaffAccountId,
    pub(crate) person: StaffPerson,
    pub(crate) code: String,
    pub(crate) code_ends_at: Moment,
    /// The hash of the password, once one is set.
    pub(crate) password: Option<String>,
}

type Row = (i64, Vec<u8>, Vec<u8>, i64, Option<String>);

const ADD: &str = "INSERT INTO staff_credentials (login, person, code, code_ends_at, request, request_body) \
     VALUES ($1, $2, $3, $4, $5, $6) RETURNING staff";
const BY_LOGIN: &str =
    "SELECT staff, person, code, code_ends_at, password FROM staff_credentials WHERE login = $1";
const BY_REQUEST: &str = "SELECT staff, person, code, code_ends_at, password, request_body FROM staff_credentials \
     WHERE request = $1 ORDER BY staff LIMIT 1";
const BY_ID: &str = "SELECT staff, person, code, code_ends_at, password FROM staff_credentials \
     WHERE staff IN ({rows})";
const SET_PASSWORD: &str = "UPDATE staff_credentials SET password = $1 WHERE staff = $2 AND password IS NULL";

impl StaffCredentials {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }

    /// Writes a row with a new code.
    pub(crate) async fn add(
        &self,
        person: StaffPerson,
        request: Option<StaffRequest<'_>>,
        now: Moment,
    ) -> Result<StaffRow, Failure> {
        let secrets = &self.store.secrets;
        let sealed = |text: &str| secrets.seal(text).map_err(|_| Failure::Internal);
        let (code, code_ends_at) = (random_code()?, now + CODE_LIFE);
        let login = self.login(&person.login);
        let text = serde_json::to_string(&person).map_err(|_| Failure::Internal)?;
        let (sealed_person, sealed_code) = (sealed(&text)?, sealed(&code)?);
        let key = request.map(|request| self.key(request));
        let body = request.map(|request| self.body(request));
        let (staff,): (i64,) = on!(&self.store.people, pool => {
            sqlx::query_as(ADD)
                .bind(login)
                .bind(sealed_person)
                .bind(sealed_code)
                .bind(code_ends_at.unix_ms())
                .bind(key)
                .bind(body)
                .fetch_one(pool)
                .await
        })
        .map_err(|error| unavailable(&error))?;
        Ok(StaffRow {
            staff: StaffAccountId(staff),
            person,
            code,
            code_ends_at,
            password: None,
        })
    }

    /// The row that the same request wrote before.
    ///
    /// # Errors
    /// [`Denied::IdempotencyMismatch`] where its key came with another body.
    pub(crate) async fn of_request(&self, request: StaffRequest<'_>) -> Result<Option<StaffRow>, Denied> {
        type WithBody = (i64, Vec<u8>, Vec<u8>, i64, Option<String>, Vec<u8>);
        let key = self.key(request);
        let row: Option<WithBody> = on!(&self.store.people, pool => {
            sqlx::query_as(BY_REQUEST).bind(key).fetch_optional(pool).await
        })
        .map_err(|error| unavailable(&error))?;
        let Some((staff, person, code, code_ends_at, password, body)) = row else {
            return Ok(None);
        };
        if body != self.body(request) {
            return Err(Denied::IdempotencyMismatch);
        }
        Ok(Some(self.read((staff, person, code, code_ends_at, password))?))
    }

    /// All rows with that login; at most one of their accounts holds.
    pub(crate) async fn of_login(&self, login: &str) -> Result<Vec<StaffRow>, Failure> {
        let login = self.login(login);
        let rows: Vec<Row> = on!(&self.store.people, pool => {
            sqlx::query_as(BY_LOGIN).bind(login).fetch_all(pool).await
        })
        .map_err(|error| unavailable(&error))?;
        rows.into_iter().map(|row| self.read(row)).collect()
    }

    /// The rows of accounts.
    pub(crate) async fn of(
        &self,
        accounts: impl Iterator<Item = StaffAccountId>,
    ) -> Result<HashMap<StaffAccountId, StaffRow>, Failure> {
        let wanted = accounts.map(|account| [account.into()]);
        let rows: Vec<Row> = self
            .store
            .people
            .find(&Statement::new(BY_ID, &["staff"], wanted))
            .await
            .map_err(|error| unavailable(&error))?;
        let read = |row| self.read(row).map(|row| (row.staff, row));
        rows.into_iter().map(read).collect()
    }

    /// Sets the first password, by its hash; whether there was none before.
    pub(crate) async fn set_password(&self, staff: StaffAccountId, password: &str) -> Result<bool, Failure> {
        let changed = on!(&self.store.people, pool => {
            sqlx::query(SET_PASSWORD)
                .bind(password)
                .bind(staff.0)
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        });
        Ok(changed.map_err(|error| unavailable(&error))? == 1)
    }

    fn read(&self, (staff, person, code, code_ends_at, password): Row) -> Result<StaffRow, Failure> {
        let staff = StaffAccountId(staff);
        let open = |sealed: &[u8]| {
            self.store.secrets.open(sealed).map_err(|error| {
                tracing::error!(%staff, %error, "an account of staff can't be read");
                Failure::Internal
            })
        };
        let person = serde_json::from_str(&open(&person)?).map_err(|_| Failure::Internal)?;
        Ok(StaffRow {
            staff,
            person,
            code: open(&code)?,
            code_ends_at: Moment::from_unix_ms(code_ends_at),
            password,
        })
    }

    fn login(&self, login: &str) -> Vec<u8> {
        self.store.secrets.index(&format!("staff\n{login}")).to_vec()
    }

    fn key(&self, StaffRequest { creator, key, .. }: StaffRequest<'_>) -> Vec<u8> {
        let text = format!("staff account\n{creator}\n{key:032x}");
        self.store.secrets.index(&text).to_vec()
    }

    fn body(&self, StaffRequest { body, .. }: StaffRequest<'_>) -> Vec<u8> {
        self.store
            .secrets
            .index(&format!("staff account\n{body:032x}"))
            .to_vec()
    }
}

impl StaffRow {
    /// Whether that is its code, which still holds.
    pub(crate) fn has_code(&self, typed: &str, now: Moment) -> bool {
        let typed = typed.trim().to_ascii_lowercase();
        verify_slices_are_equal(typed.as_bytes(), self.code.as_bytes()).is_ok() && now < self.code_ends_at
    }
}

/// Sixteen letters in groups of four: 80 bits.
fn random_code() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    fill(&mut bytes).map_err(|_| Failure::Internal)?;
    let letters = bytes.map(|byte| char::from(CODE_LETTERS[usize::from(byte % 32)]));
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    Ok(groups.join("-"))
}
