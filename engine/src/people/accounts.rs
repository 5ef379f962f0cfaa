//! Accounts: who stands behind a token (2.1). Found by issuer and subject; made by the first request of a passport
//! that says who its holder is.
//!
//! On an opening day thousands of accounts are made a second: one writer gathers them, as the journal does.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use dashmap::DashMap;
use futures_util::FutureExt;
use kaowei_core::ids::{CandidateId, ProvinceCode};
use kaowei_core::time::Moment;
use tokio::sync::{mpsc, oneshot};

use super::{IdType, unavailable};
use crate::fail_points::{FailPoint, pass};
use crate::failure::{Denied, Failure};
use crate::store::{Db, SealError, Secrets, Statement, Store, Value, is_storable, on};
use crate::views::Account;

/// Most accounts made in one transaction.
const BATCH_MAX: usize = 2_000;

/// Who asks, as the token says.
#[derive(Debug, Clone)]
pub struct Identity<'a> {
    /// Who issued the token.
    pub issuer: &'a str,
    /// Whom it names.
    pub subject: &'a str,
    /// The province it was issued for.
    pub province: ProvinceCode,
    /// Who that is, where the token says so.
    pub person: Option<Person>,
}

/// A person, as a passport describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The kind of document.
    pub id_type: IdType,
    /// Its number.
    pub id_number: String,
    /// The name.
    pub name: String,
    /// The bound phone.
    pub phone: String,
}

/// An account with the person behind it, in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountDetails {
    /// The province.
    pub province: ProvinceCode,
    /// The person.
    pub person: Person,
    /// When it was made.
    pub created_at: Moment,
}

/// Issuer and subject, hashed: what an account is found by.
type IdentityHash = [u8; 32];

fn identity_hash(issuer: &str, subject: &str) -> IdentityHash {
    let text = [issuer.as_bytes(), &[0], subject.as_bytes()].concat();
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, &text).as_ref());
    hash
}

/// All accounts seen since the start, and the way to the others.
#[derive(Debug)]
pub(crate) struct Accounts {
    store: Arc<Store>,
    known: DashMap<IdentityHash, Account>,
    writer: mpsc::Sender<NewAccount>,
}

/// An account to be made.
#[derive(Debug)]
pub(crate) struct NewAccount {
    identity: IdentityHash,
    province: ProvinceCode,
    person: Person,
    created_at: Moment,
    made: oneshot::Sender<Result<Account, Failure>>,
}

const FIND: &str = "SELECT candidate, province FROM accounts WHERE identity = $1";
const DETAILS: &str =
    "SELECT province, id_type, id_number, name, phone, created_at FROM accounts WHERE candidate = $1";

impl Accounts {
    pub(crate) fn new(store: Arc<Store>, writer: mpsc::Sender<NewAccount>) -> Self {
        Self {
            store,
            known: DashMap::new(),
            writer,
        }
    }

    /// An account that was seen before.
    pub(crate) fn known(&self, issuer: &str, subject: &str) -> Option<Account> {
        self.known
            .get(&identity_hash(issuer, subject))
            .map(|account| *account)
    }

    /// Finds the account, or makes it.
    pub(crate) async fn get(&self, identity: Identity<'_>, now: Moment) -> Result<Account, Denied> {
        let hash = identity_hash(identity.issuer, identity.subject);
        if let Some(account) = self.known.get(&hash) {
            return Ok(*account);
        }
        let account = match find(&self.store.people, &hash).await? {
            Some(account) => account,
            None => self.make(hash, identity, now).await?,
        };
        self.known.insert(hash, account);
        Ok(account)
    }

    async fn make(&self, hash: IdentityHash, identity: Identity<'_>, now: Moment) -> Result<Account, Denied> {
        let person = identity.person.ok_or(Denied::UnknownAccount)?;
        let texts = [&person.name, &person.phone];
        if !person.id_type.accepts(&person.id_number) || !texts.into_iter().all(|text| is_storable(text)) {
            return Err(Denied::UnknownAccount);
        }
        let (made, wait) = oneshot::channel();
        let new = NewAccount {
            identity: hash,
            province: identity.province,
            person,
            created_at: now,
            made,
        };
        self.writer
            .send(new)
            .await
            .map_err(|_| Failure::StoreUnavailable)?;
        Ok(wait.await.unwrap_or(Err(Failure::StoreUnavailable))?)
    }

    /// The person behind an account.
    pub(crate) async fn details(&self, account: Account) -> Result<AccountDetails, Denied> {
        type Row = (String, String, Vec<u8>, String, Vec<u8>, i64);
        let found: Option<Row> = on!(&self.store.people, pool => {
            sqlx::query_as(DETAILS).bind(account.candidate.0).fetch_optional(pool).await
        })
        .map_err(|error| unavailable(&error))?;
        let (province, id_type, id_number, name, phone, created_at) = found.ok_or(Denied::UnknownAccount)?;
        let open = |sealed: &[u8]| {
            self.store.secrets.open(sealed).map_err(|error| {
                tracing::error!(candidate = %account.candidate, %error, "an account can't be read");
                Failure::Internal
            })
        };
        let unreadable = |_| Failure::Internal;
        Ok(AccountDetails {
            province: province.parse().map_err(|_| Failure::Internal)?,
            person: Person {
                id_type: id_type.parse().map_err(unreadable)?,
                id_number: open(&id_number)?,
                name,
                phone: open(&phone)?,
            },
            created_at: Moment::from_unix_ms(created_at),
        })
    }
}

async fn find(people: &Db, identity: &IdentityHash) -> Result<Option<Account>, Failure> {
    let found: Option<(i64, String)> = on!(people, pool => {
        sqlx::query_as(FIND).bind(identity.to_vec()).fetch_optional(pool).await
    })
    .map_err(|error| unavailable(&error))?;
    found
        .map(|(candidate, province)| {
            let province = province.parse().map_err(|_| Failure::Internal)?;
            Ok(Account {
                candidate: CandidateId(candidate),
                province,
            })
        })
        .transpose()
}

/// How a person is found again, whatever way the account came (R3).
pub(crate) fn person_index(secrets: &Secrets, province: &str, id_type: &str, id_number: &str) -> Vec<u8> {
    secrets.index(&format!(
        "{province}\n{id_type}\n{}",
        id_number.to_ascii_uppercase()
    ))
}

/// Makes accounts, many in a transaction.
#[derive(Debug)]
pub(crate) struct AccountWriter {
    pub(crate) store: Arc<Store>,
    pub(crate) new: mpsc::Receiver<NewAccount>,
}

const ADD: &str = "INSERT INTO accounts (identity, province, id_type, person, id_number, name, phone, created_at) \
     {rows} WHERE true ON CONFLICT (identity) DO NOTHING";
const COLUMNS: [&str; 8] = [
    "identity",
    "province",
    "id_type",
    "person",
    "id_number",
    "name",
    "phone",
    "created_at",
];
const FIND_ALL: &str = "SELECT accounts.identity, candidate, province FROM accounts \
     JOIN ({rows}) AS wanted ON accounts.identity = wanted.identity";

impl AccountWriter {
    /// Writes until nobody can ask any more.
    pub(crate) async fn run(mut self) {
        let mut gathered = Vec::new();
        while self.new.recv_many(&mut gathered, BATCH_MAX).await > 0 {
            let making = async {
                pass(FailPoint::AccountBeforeWrite);
                let made = self.write(&gathered).await;
                pass(FailPoint::AccountAfterWrite);
                made
            };
            // There is no other writer: it must outlive whatever goes wrong with one batch.
            let made = AssertUnwindSafe(making).catch_unwind().await.unwrap_or_else(|_| {
                tracing::error!("making accounts panicked");
                Err(Failure::Internal)
            });
            match made {
                Ok(accounts) => {
                    for (new, account) in gathered.drain(..).zip(accounts) {
                        new.made.send(account).ok();
                    }
                }
                Err(failure) => {
                    for new in gathered.drain(..) {
                        new.made.send(Err(failure)).ok();
                    }
                }
            }
        }
    }

    async fn write(&self, gathered: &[NewAccount]) -> Result<Vec<Result<Account, Failure>>, Failure> {
        let people = &self.store.people;
        let rows = self.rows(gathered)?;
        people
            .write(&[Statement::new(ADD, &COLUMNS, rows)])
            .await
            .map_err(|error| unavailable(&error))?;

        let identities = gathered.iter().map(|new| [new.identity.as_slice().into()]);
        let found: Vec<(Vec<u8>, i64, String)> = people
            .find(&Statement::new(FIND_ALL, &["identity"], identities))
            .await
            .map_err(|error| unavailable(&error))?;
        let found: std::collections::HashMap<Vec<u8>, (i64, String)> = found
            .into_iter()
            .map(|(identity, candidate, province)| (identity, (candidate, province)))
            .collect();
        Ok(gathered
            .iter()
            .map(|new| {
                let (candidate, province) = found.get(new.identity.as_slice()).ok_or(Failure::Internal)?;
                let province = province.parse().map_err(|_| Failure::Internal)?;
                Ok(Account {
                    candidate: CandidateId(*candidate),
                    province,
                })
            })
            .collect())
    }

    fn rows<'a>(&self, gathered: &'a [NewAccount]) -> Result<Vec<[Value<'a>; 8]>, Failure> {
        let secrets = &self.store.secrets;
        let row = |new: &'a NewAccount| {
            let person = &new.person;
            let id_type = person.id_type.as_str();
            let index = person_index(secrets, new.province.as_str(), id_type, &person.id_number);
            Ok([
                new.identity.as_slice().into(),
                (&new.province).into(),
                id_type.into(),
                index.into(),
                secrets.seal(&person.id_number)?.into(),
                person.name.as_str().into(),
                secrets.seal(&person.phone)?.into(),
                new.created_at.into(),
            ])
        };
        let rows: Result<Vec<_>, SealError> = gathered.iter().map(row).collect();
        rows.map_err(|_| Failure::Internal)
    }
}
