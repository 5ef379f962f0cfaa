//! What candidates log in with: province, ID type and ID number, as a keyed hash, and a password (R1).
//!
//! Whoever registers gets an account with a password in one transaction. An account that a token made before, for the
//! same person in the same province, is never taken over: it has no password, and whoever knows an ID number could
//! else become its holder.

use std::sync::Arc;

use kaowei_core::ids::{CandidateId, ProvinceCode};
use kaowei_core::time::Moment;
use tokio::sync::{Mutex, MutexGuard};

use super::accounts::IdentityHash;
use super::codes::end_codes_of;
use super::{Person, person_index, unavailable};
use crate::failure::{Denied, Failure};
use crate::store::{Statement, Store, Value, on};
use crate::views::Account;

/// How many registrations with idempotency keys may run at the same time.
const TURNS: usize = 256;

/// The passwords.
#[derive(Debug)]
pub(crate) struct Credentials {
    store: Arc<Store>,
    /// The turns of registrations, by idempotency key: few enough to be there always, so that some share one.
    turns: [Mutex<()>; TURNS],
}

/// An account to be made by its holder. Deliberately not to be shown, as the next: it has a password's hash.
pub(crate) struct NewCredentials<'a> {
    pub(crate) identity: IdentityHash,
    pub(crate) province: ProvinceCode,
    pub(crate) person: &'a Person,
    /// The hash of the password.
    pub(crate) password: String,
    /// The hash of the idempotency key it came with.
    pub(crate) key: Option<u128>,
    pub(crate) at: Moment,
}

/// An account that can be logged in to.
pub(crate) struct Found {
    pub(crate) candidate: CandidateId,
    /// The hash of its password.
    pub(crate) password: String,
    pub(crate) generation: i64,
    /// Its phone, sealed.
    pub(crate) phone: Vec<u8>,
}

macro_rules! found {
    ($where:literal) => {
        concat!(
            "SELECT credentials.candidate, password, generation, phone FROM credentials \
             JOIN accounts ON accounts.candidate = credentials.candidate WHERE ",
            $where
        )
    };
}

const BY_LOGIN: &str = found!("login = $1");
const BY_CANDIDATE: &str = found!("credentials.candidate = $1");
const REGISTERED: &str = found!("login = $1 AND request = $2");
const SAME_IDENTITY: &str = "SELECT candidate FROM accounts WHERE identity = $1";

type Row = (i64, String, i64, Vec<u8>);

/// Of an account and its password, in one row.
const NEW: [&str; 10] = [
    "identity",
    "province",
    "id_type",
    "person",
    "id_number",
    "name",
    "phone",
    "created_at",
    "password",
    "request",
];
const ADD_ACCOUNT: &str = "INSERT INTO accounts (identity, province, id_type, person, id_number, name, phone, created_at) \
     SELECT identity, province, id_type, person, id_number, name, phone, created_at FROM ({rows}) AS new \
     WHERE true ON CONFLICT (identity) DO NOTHING";
/// No two sealed phones are alike: an account that was there already is not this one.
const ADD_PASSWORD: &str = "INSERT INTO credentials (candidate, login, password, request, changed_at) \
     SELECT accounts.candidate, new.person, new.password, new.request, new.created_at FROM ({rows}) AS new \
     JOIN accounts ON accounts.identity = new.identity AND accounts.phone = new.phone \
     WHERE true ON CONFLICT (login) DO NOTHING";

/// Of a password that replaces another.
const CHANGED: [&str; 3] = ["candidate", "password", "changed_at"];
const CHANGE: &str = "UPDATE credentials SET password = new.password, changed_at = new.changed_at FROM ({rows}) AS new \
     WHERE credentials.candidate = new.candidate";
const END_TOKENS: &str =
    "UPDATE accounts SET generation = accounts.generation + 1 WHERE candidate IN ({rows})";

impl Credentials {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        let turns = std::array::from_fn(|_| Mutex::default());
        Self { store, turns }
    }

    /// Waits for the turn of an idempotency key: a repeat finds what the first made.
    pub(crate) async fn turn(&self, key: u128) -> MutexGuard<'_, ()> {
        let [first, ..] = key.to_le_bytes();
        self.turns[usize::from(first)].lock().await
    }

    /// Makes an account with a password.
    ///
    /// # Errors
    /// [`Denied::AccountExists`].
    pub(crate) async fn add(&self, new: NewCredentials<'_>) -> Result<Account, Denied> {
        let people = &self.store.people;
        let exists: Option<(i64,)> = on!(people, pool => {
            sqlx::query_as(SAME_IDENTITY).bind(new.identity.to_vec()).fetch_optional(pool).await
        })
        .map_err(|error| unavailable(&error))?;
        if exists.is_some() {
            return Err(Denied::AccountExists);
        }
        people
            .write(&self.additions(&new)?)
            .await
            .map_err(|error| unavailable(&error))?;
        // Of two that register the same person at once, one finds the other's password.
        let login = self.login(new.province, new.person.id_type.as_str(), &new.person.id_number);
        let added = self.find_by_login(login).await?;
        let own = added.filter(|added| added.password == new.password);
        Ok(Account {
            candidate: own.ok_or(Denied::AccountExists)?.candidate,
            province: new.province,
        })
    }

    fn additions<'a>(&self, new: &'a NewCredentials<'_>) -> Result<[Statement<'a>; 2], Failure> {
        let secrets = &self.store.secrets;
        let person = new.person;
        let index = self.login(new.province, person.id_type.as_str(), &person.id_number);
        let sealed = |text: &str| secrets.seal(text).map_err(|_| Failure::Internal);
        let row: [Value<'a>; 10] = [
            new.identity.as_slice().into(),
            (&new.province).into(),
            person.id_type.as_str().into(),
            index.into(),
            sealed(&person.id_number)?.into(),
            person.name.as_str().into(),
            sealed(&person.phone)?.into(),
            new.at.into(),
            new.password.as_str().into(),
            new.key.map(|key| self.request(key)).into(),
        ];
        Ok([
            Statement::new(ADD_ACCOUNT, &NEW, [row.clone()]),
            Statement::new(ADD_PASSWORD, &NEW, [row]),
        ])
    }

    /// The account of that person in that province.
    pub(crate) async fn find(
        &self,
        province: ProvinceCode,
        id_type: &str,
        id_number: &str,
    ) -> Result<Option<Found>, Failure> {
        self.find_by_login(self.login(province, id_type, id_number)).await
    }

    /// The account of that person that was registered with that idempotency key.
    pub(crate) async fn registered(
        &self,
        province: ProvinceCode,
        person: &Person,
        key: u128,
    ) -> Result<Option<Found>, Failure> {
        let login = self.login(province, person.id_type.as_str(), &person.id_number);
        let request = self.request(key);
        let row: Option<Row> = on!(&self.store.people, pool => {
            sqlx::query_as(REGISTERED).bind(login).bind(request).fetch_optional(pool).await
        })
        .map_err(|error| unavailable(&error))?;
        Ok(row.map(Found::from))
    }

    fn request(&self, key: u128) -> Vec<u8> {
        self.store
            .secrets
            .index(&format!("registration\n{key:032x}"))
            .into()
    }

    fn login(&self, province: ProvinceCode, id_type: &str, id_number: &str) -> Vec<u8> {
        person_index(&self.store.secrets, province.as_str(), id_type, id_number)
    }

    async fn find_by_login(&self, login: Vec<u8>) -> Result<Option<Found>, Failure> {
        let row: Option<Row> = on!(&self.store.people, pool => {
            sqlx::query_as(BY_LOGIN).bind(login).fetch_optional(pool).await
        })
        .map_err(|error| unavailable(&error))?;
        Ok(row.map(Found::from))
    }

    /// What that account is logged in to with.
    pub(crate) async fn of(&self, candidate: CandidateId) -> Result<Option<Found>, Failure> {
        let row: Option<Row> = on!(&self.store.people, pool => {
            sqlx::query_as(BY_CANDIDATE).bind(candidate.0).fetch_optional(pool).await
        })
        .map_err(|error| unavailable(&error))?;
        Ok(row.map(Found::from))
    }

    /// Replaces a password, by its hash. All tokens and codes of the account end with it.
    pub(crate) async fn change(
        &self,
        candidate: CandidateId,
        password: &str,
        at: Moment,
    ) -> Result<(), Failure> {
        let people = &self.store.people;
        let changed = [candidate.into(), password.into(), at.into()];
        let [withdrawn, ended] = end_codes_of(candidate);
        people
            .write(&[
                Statement::new(CHANGE, &CHANGED, [changed]),
                Statement::new(END_TOKENS, &["candidate"], [[candidate.into()]]),
                withdrawn,
                ended,
            ])
            .await
            .map_err(|error| unavailable(&error))
    }
}

impl From<Row> for Found {
    fn from((candidate, password, generation, phone): Row) -> Self {
        Self {
            candidate: CandidateId(candidate),
            password,
            generation,
            phone,
        }
    }
}
