//! Keys that all servers on a store share, made at first start; and what they do to persons' data.
//!
//! ID numbers and phones are sealed with AES-256-GCM and found by HMAC-SHA256. The keys lie in the store itself,
//! apart from the data they guard (`shared_facts` is a table of the journal's file).

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::fill;

use super::{Db, on};
use crate::failure::OpenError;

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
    /// Reads the keys, or makes them where there are none.
    pub(crate) async fn load(journal: &Db) -> Result<Self, OpenError> {
        let token_key = shared_key(journal, "token_key").await?;
        let sandbox_key = shared_key(journal, "sandbox_key").await?;
        let seal = shared_key(journal, "person_seal_key").await?;
        let index = shared_key(journal, "person_index_key").await?;
        Ok(Self {
            token_key,
            sandbox_key,
            seal,
            index: hmac::Key::new(hmac::HMAC_SHA256, &index),
        })
    }

    /// A keyed hash by which a person is found.
    pub(crate) fn index(&self, text: &str) -> Vec<u8> {
        hmac::sign(&self.index, text.as_bytes()).as_ref().to_vec()
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

const ADD: &str = "INSERT INTO shared_facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";

const READ: &str = "SELECT value FROM shared_facts WHERE name = $1";

async fn shared_key(journal: &Db, name: &str) -> Result<[u8; 32], OpenError> {
    let mut fresh = [0; 32];
    fill(&mut fresh).map_err(|_| OpenError::Damaged("no random numbers can be had".into()))?;
    let stored: (Vec<u8>,) = on!(journal, pool => {
        sqlx::query(ADD).bind(name).bind(fresh.to_vec()).execute(pool).await?;
        sqlx::query_as(READ).bind(name).fetch_one(pool).await?
    });
    stored
        .0
        .try_into()
        .map_err(|_| OpenError::Damaged(format!("the shared key {name} has a wrong length")))
}
