//! Keys that all servers on a store share, and what they do to persons' data.
//!
//! ID numbers and phones are sealed with AES-256-GCM and found by HMAC-SHA256. A key comes from the settings, and then
//! only its fingerprint is stored; or it is made at first start and lies in the store itself, apart from the data it
//! guards (`shared_facts` is a table of the journal's file). A key that data was sealed with is never replaced by
//! another unnoticed.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::fill;

use super::{Db, on};
use crate::failure::OpenError;
use crate::settings::{SuppliedKey, SuppliedKeys};

/// The shared keys.
#[derive(Clone)]
pub(crate) struct Secrets {
    /// Signs tokens (HS256).
    pub(crate) token_key: [u8; 32],
    /// Signs what the sandbox tells.
    pub(crate) sandbox_key: [u8; 32],
    seal: [u8; 32],
    index: hmac::Key,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// Takes the keys that were supplied, reads the others, and makes those that there are none of.
    pub(crate) async fn load(journal: &Db, supplied: &SuppliedKeys) -> Result<Self, OpenError> {
        // Whoever changes this one ends all tokens, and loses nothing.
        let token_key = match supplied.token {
            Some(key) => key.0,
            None => stored_key(journal, TOKEN.stored).await?,
        };
        let seal = lasting_key(journal, SEAL, supplied.seal).await?;
        let index = lasting_key(journal, INDEX, supplied.index).await?;
        let sandbox_key = stored_key(journal, "sandbox_key").await?;
        Ok(Self {
            token_key,
            sandbox_key,
            seal,
            index: hmac::Key::new(hmac::HMAC_SHA256, &index),
        })
    }

    /// A keyed hash by which a person is found.
    pub(crate) fn index(&self, text: &str) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(hmac::sign(&self.index, text.as_bytes()).as_ref());
        hash
    }

    /// Seals a text: nonce, then ciphertext and tag.
    pub(crate) fn seal(&self, text: &str) -> Result<Vec<u8>, SealError> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, &self.seal).map_err(|_| SealError)?;
        let mut sealed = text.as_bytes().to_vec();
        let nonce = key
            .seal_in_place_append_tag(Aad::empty(), &mut sealed)
            .map_err(|_| SealError)?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Opens what [`Secrets::seal`] sealed.
    pub(crate) fn open(&self, sealed: &[u8]) -> Result<String, SealError> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &self.seal).map_err(|_| SealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError)?;
        let mut text = text.to_vec();
        let opened = key
            .open_in_place(nonce, Aad::empty(), &mut text)
            .map_err(|_| SealError)?;
        String::from_utf8(opened.to_vec()).map_err(|_| SealError)
    }
}

/// Data that these keys did not seal.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("persons' data can't be opened with this store's key")]
pub(crate) struct SealError;

/// A key: its name in the store, and the setting that supplies it.
#[derive(Clone, Copy)]
struct KeyName {
    stored: &'static str,
    setting: &'static str,
}

const TOKEN: KeyName = KeyName {
    stored: "token_key",
    setting: "--token-key",
};
const SEAL: KeyName = KeyName {
    stored: "person_seal_key",
    setting: "--seal-key",
};
const INDEX: KeyName = KeyName {
    stored: "person_index_key",
    setting: "--index-key",
};

const ADD: &str = "INSERT INTO shared_facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";

const READ: &str = "SELECT value FROM shared_facts WHERE name = $1";

/// A key that data depends on: the supplied one, if it is the one that the data was sealed with; or the stored one.
async fn lasting_key(
    journal: &Db,
    name: KeyName,
    supplied: Option<SuppliedKey>,
) -> Result<[u8; 32], OpenError> {
    let fingerprint_name = format!("{}_fingerprint", name.stored);
    let setting = name.setting;
    let Some(SuppliedKey(key)) = supplied else {
        if read(journal, &fingerprint_name).await?.is_some() {
            return Err(OpenError::KeyMissing { setting });
        }
        return stored_key(journal, name.stored).await;
    };
    let is_same = match read(journal, name.stored).await? {
        Some(stored) => stored == key,
        None => keep(journal, &fingerprint_name, &fingerprint(&key)).await? == fingerprint(&key),
    };
    if is_same {
        Ok(key)
    } else {
        Err(OpenError::OtherKey { setting })
    }
}

/// By which a key is known again; it can't be told from it.
fn fingerprint(key: &[u8; 32]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, b"fingerprint").as_ref().to_vec()
}

/// The key in the store, made if there is none.
async fn stored_key(journal: &Db, name: &str) -> Result<[u8; 32], OpenError> {
    let mut fresh = [0; 32];
    fill(&mut fresh).map_err(|_| OpenError::Damaged("no random numbers can be had".into()))?;
    let stored = keep(journal, name, &fresh).await?;
    stored
        .try_into()
        .map_err(|_| OpenError::Damaged(format!("the shared key {name} has a wrong length")))
}

/// Stores a fact unless there is one of that name; the one that is stored then.
async fn keep(journal: &Db, name: &str, value: &[u8]) -> Result<Vec<u8>, OpenError> {
    let stored: (Vec<u8>,) = on!(journal, pool => {
        sqlx::query(ADD).bind(name).bind(value).execute(pool).await?;
        sqlx::query_as(READ).bind(name).fetch_one(pool).await?
    });
    Ok(stored.0)
}

async fn read(journal: &Db, name: &str) -> Result<Option<Vec<u8>>, OpenError> {
    let stored: Option<(Vec<u8>,)> = on!(journal, pool => {
        sqlx::query_as(READ).bind(name).fetch_optional(pool).await?
    });
    Ok(stored.map(|(value,)| value))
}
