//! Accounts: who stands behind a token (2.1). Found by issuer and subject; made by the first request of a passport
//! that says who its holder is.
//!
//! On an opening day thousands of accounts are made a second: one writer gathers them, as the journal does.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

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

/// A person, as a passport or whoever registers describes them.
#[derive(Clone, PartialEq, Eq)]
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

/// Shows nothing that identifies somebody: it may end up in a log.
impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({}, …)", self.id_type)
    }
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

/// Issuer and subject under the index key: what an account is found by. A plain hash would not do, since a subject may
/// come from an ID number, and those can all be tried.
pub(crate) type IdentityHash = [u8; 32];

/// What is known of an account.
#[derive(Debug, Clone, Copy)]
struct Known {
    account: Account,
    /// Rises with every new password: tokens of an earlier one have ended.
    generation: i64,
}

pub(crate) fn identity_hash(secrets: &Secrets, issuer: &str, subject: &str) -> IdentityHash {
    secrets.index(&format!("identity\n{issuer}\0{subject}"))
}

/// All accounts seen since the start, and the way to the others.
#[derive(Debug)]
pub(crate) struct Accounts {
    store: Arc<Store>,
    known: DashMap<IdentityHash, Known>,
    writer: mpsc::Sender<NewAccount>,
}

/// An account to be made.
#[derive(Debug)]
pub(crate) struct NewAccount {
    identity: IdentityHash,
    province: ProvinceCode,
    person: Person,
    created_at: Moment,
    made: oneshot::Sender<Result<Known, Failure>>,
}

type KnownRow = (i64, String, i64);

const FIND: &str = "SELECT candidate, province, generation FROM accounts WHERE identity = $1";
const IDENTITY: &str = "SELECT identity, candidate, province, generation FROM accounts WHERE candidate = $1";
const RENAME: &str = "UPDATE accounts SET name = $1 WHERE candidate = $2";
const OF_PERSON: &str = "SELECT candidate FROM accounts WHERE person = $1 ORDER BY candidate DESC";
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
        self.known_as(issuer, subject).map(|known| known.account)
    }

    /// Which password's tokens hold for an account that was seen before.
    pub(crate) fn generation(&self, issuer: &str, subject: &str) -> Option<i64> {
        self.known_as(issuer, subject).map(|known| known.generation)
    }

    fn known_as(&self, issuer: &str, subject: &str) -> Option<Known> {
        let hash = identity_hash(&self.store.secrets, issuer, subject);
        self.known.get(&hash).map(|known| *known)
    }

    /// Looks at an account anew, after its password was changed, or perhaps was. Where it can't be read, it is known no
    /// more, so that no token of the old password holds in this memory alone.
    pub(crate) async fn look_again(&self, candidate: CandidateId) -> Result<(), Failure> {
        let seen = self.read_again(candidate).await;
        if seen.is_err() {
            self.known.retain(|_, known| known.account.candidate != candidate);
        }
        seen
    }

    async fn read_again(&self, candidate: CandidateId) -> Result<(), Failure> {
        type Row = (Vec<u8>, i64, String, i64);
        let found: Option<Row> = on!(&self.store.people, pool => {
            sqlx::query_as(IDENTITY).bind(candidate.0).fetch_optional(pool).await
        })
        .map_err(|error| unavailable(&error))?;
        let (identity, candidate, province, generation) = found.ok_or(Failure::Internal)?;
        let hash = identity.try_into().map_err(|_| Failure::Internal)?;
        self.remember(hash, known((candidate, province, generation))?);
        Ok(())
    }

    /// Somebody who read the account before its password was changed must not undo what was learnt since.
    fn remember(&self, hash: IdentityHash, new: Known) {
        self.known
            .entry(hash)
            .and_modify(|known| known.generation = known.generation.max(new.generation))
            .or_insert(new);
    }

    /// Finds the account, or makes it.
    pub(crate) async fn get(&self, identity: Identity<'_>, now: Moment) -> Result<Account, Denied> {
        let hash = identity_hash(&self.store.secrets, identity.issuer, identity.subject);
        if let Some(known) = self.known.get(&hash) {
            return Ok(known.account);
        }
        let known = match find(&self.store.people, &hash).await? {
            Some(known) => known,
            None => self.make(hash, identity, now).await?,
        };
        self.remember(hash, known);
        Ok(known.account)
    }

    async fn make(&self, hash: IdentityHash, identity: Identity<'_>, now: Moment) -> Result<Known, Denied> {
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

    /// Corrects a name.
    pub(crate) async fn rename(&self, candidate: CandidateId, name: &str) -> Result<(), Failure> {
        let renamed = on!(&self.store.people, pool => {
            sqlx::query(RENAME).bind(name).bind(candidate.0).execute(pool).await.map(|_| ())
        });
        renamed.map_err(|error| unavailable(&error))
    }

    /// The accounts of a person, the latest first: one a way to log in.
    pub(crate) async fn of_person(
        &self,
        province: ProvinceCode,
        id_type: IdType,
        id_number: &str,
    ) -> Result<Vec<Account>, Failure> {
        let index = person_index(
            &self.store.secrets,
            province.as_str(),
            id_type.as_str(),
            id_number,
        );
        let found: Vec<(i64,)> = on!(&self.store.people, pool => {
            sqlx::query_as(OF_PERSON).bind(index).fetch_all(pool).await
        })
        .map_err(|error| unavailable(&error))?;
        let account = |(candidate,)| Account {
            candidate: CandidateId(candidate),
            province,
        };
        Ok(found.into_iter().map(account).collect())
    }

    /// The person behind an account.
    pub(crate) async fn details(&self, candidate: CandidateId) -> Result<AccountDetails, Denied> {
        type Row = (String, String, Vec<u8>, String, Vec<u8>, i64);
        let found: Option<Row> = on!(&self.store.people, pool => {
            sqlx::query_as(DETAILS).bind(candidate.0).fetch_optional(pool).await
        })
        .map_err(|error| unavailable(&error))?;
        let (province, id_type, id_number, name, phone, created_at) = found.ok_or(Denied::UnknownAccount)?;
        let open = |sealed: &[u8]| {
            self.store.secrets.open(sealed).map_err(|error| {
                tracing::error!(%candidate, %error, "an account can't be read");
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

async fn find(people: &Db, identity: &IdentityHash) -> Result<Option<Known>, Failure> {
    let found: Option<KnownRow> = on!(people, pool => {
        sqlx::query_as(FIND).bind(identity.to_vec()).fetch_optional(pool).await
    })
    .map_err(|error| unavailable(&error))?;
    found.map(known).transpose()
}

fn known((candidate, province, generation): KnownRow) -> Result<Known, Failure> {
    let account = Account {
        candidate: CandidateId(candidate),
        province: province.parse().map_err(|_| Failure::Internal)?,
    };
    Ok(Known { account, generation })
}

/// How a person is found again, whatever way the account came (R3).
pub(crate) fn person_index(secrets: &Secrets, province: &str, id_type: &str, id_number: &str) -> Vec<u8> {
    let text = format!("{province}\n{id_type}\n{}", id_number.to_ascii_uppercase());
    secrets.index(&text).into()
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
const FIND_ALL: &str = "SELECT accounts.identity, candidate, province, generation FROM accounts \
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

    async fn write(&self, gathered: &[NewAccount]) -> Result<Vec<Result<Known, Failure>>, Failure> {
        let people = &self.store.people;
        let rows = self.rows(gathered)?;
        people
            .write(&[Statement::new(ADD, &COLUMNS, rows)])
            .await
            .map_err(|error| unavailable(&error))?;

        let identities = gathered.iter().map(|new| [new.identity.as_slice().into()]);
        let found: Vec<(Vec<u8>, i64, String, i64)> = people
            .find(&Statement::new(FIND_ALL, &["identity"], identities))
            .await
            .map_err(|error| unavailable(&error))?;
        let found: std::collections::HashMap<Vec<u8>, KnownRow> = found
            .into_iter()
            .map(|(identity, candidate, province, generation)| (identity, (candidate, province, generation)))
            .collect();
        Ok(gathered
            .iter()
            .map(|new| {
                let row = found.get(new.identity.as_slice()).ok_or(Failure::Internal)?;
                known(row.clone())
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
