//! What every handler shares: the engine, keys, caches, limits.

use std::ops::Deref;
use std::sync::Arc;

use kaowei_core::ids::CandidateId;
use kaowei_engine::Engine;

use crate::auth::{AccountRate, Keys, Passport, RateLimit, VerifiedTokens};
use crate::entry::{AccessSettings, Entry};
use crate::events::Streams;
use crate::wire::{KeptSitting, PublishedBytes};

/// How requests are limited. The size of ordinary bodies is the contract's and not a setting.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How often one account may ask.
    pub account_rate: AccountRate,
    /// The largest file that can be imported.
    pub import_bytes_max: u64,
    /// How long one request may take.
    pub request_seconds_max: u32,
    /// How many streams of events candidates may have, all together.
    pub streams_max: usize,
}

/// The shared state; cloning it is a reference.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// What [`App`] points to.
pub struct Shared {
    /// The engine.
    pub engine: Engine,
    /// Token keys.
    pub keys: Keys,
    /// Tokens that were verified.
    pub tokens: VerifiedTokens,
    /// Counts requests by account.
    pub rate: RateLimit<CandidateId>,
    /// The outside issuer of candidates' tokens.
    pub passport: Option<Passport>,
    /// What stands before an account.
    pub entry: Entry,
    /// Lists of pools as bytes.
    pub pools: PublishedBytes,
    /// The sitting as bytes.
    pub sitting: KeptSitting,
    /// The OpenAPI document as bytes.
    pub openapi: bytes::Bytes,
    /// Tells the requests of this start of the server from those of others.
    pub start: u32,
    /// Where uploads are kept while they arrive.
    pub spool: std::path::PathBuf,
    /// Streams of events.
    pub streams: Streams,
    /// The limits.
    pub limits: Limits,
    /// How candidates get in.
    pub access: AccessSettings,
}

/// Why the server can't be put together.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// The OpenAPI document has no JSON form.
    #[error("the OpenAPI document has no JSON form")]
    Document(#[from] serde_json::Error),
    /// No random numbers.
    #[error("the system has no random numbers")]
    Random,
    /// The outside passport's keys could never be fetched.
    #[error("nothing can be fetched over HTTPS on this system, so the passport's keys can't be")]
    Https(#[source] reqwest::Error),
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("App")
    }
}

impl Deref for App {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    /// The state around an engine.
    ///
    /// # Errors
    /// [`AssembleError`].
    pub fn new(
        engine: Engine,
        openapi: bytes::Bytes,
        spool: std::path::PathBuf,
        limits: Limits,
        access: AccessSettings,
    ) -> Result<Self, AssembleError> {
        let keys = Keys::new(&engine.token_key());
        let passport = access.passport.clone().map(Passport::new).transpose();
        // The random part of a version 7 id: different at every start.
        let start = uuid::Uuid::now_v7().as_u128() & u128::from(u32::MAX);
        Ok(Self(Arc::new(Shared {
            engine,
            keys,
            tokens: VerifiedTokens::default(),
            rate: RateLimit::per_account(limits.account_rate),
            passport: passport.map_err(AssembleError::Https)?,
            entry: Entry::new(&access).map_err(|_| AssembleError::Random)?,
            pools: PublishedBytes::default(),
            sitting: KeptSitting::default(),
            openapi,
            start: u32::try_from(start).unwrap_or(0),
            spool,
            streams: Streams::new(limits.streams_max),
            limits,
            access,
        })))
    }
}
