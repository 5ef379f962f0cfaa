//! The outside passport system (2.1): its keys, fetched from its JWKS address, and the checking of its tokens.
//!
//! A token names its key (`kid`). A key has the one algorithm that its entry says, or that its kind implies; shared
//! secrets are not taken. Tokens of staff are refused whoever signed them. Keys are fetched when a token names one that
//! is not known, at most every ten seconds, and anew after ten minutes, in the background; while that fails, those that
//! are known go on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use kaowei_core::time::{Moment, Span};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::token::{Role, TokenClaims};
use crate::entry::PassportSettings;
use crate::problem::{Code, Problem};

/// Between two fetches, whatever is asked for.
const FETCH_PAUSE: Duration = Duration::from_secs(10);
/// Keys older than that are fetched anew.
const FRESH: Duration = Duration::from_mins(10);
/// How long a fetch may take.
const FETCH_TIME_MAX: Duration = Duration::from_secs(5);
/// How long the answer may be.
const BYTES_MAX: usize = 262_144;
/// A token can't be longer than this.
const TOKEN_BYTES_MAX: usize = 8_192;

/// How far ahead the issuer's clock may be.
const AHEAD_SECONDS_MAX: i64 = 60;

/// What a token of its says.
#[derive(Clone, Deserialize)]
struct OutsideClaims {
    /// From when on it holds, in seconds since 1970.
    #[serde(default)]
    nbf: i64,
    #[serde(flatten)]
    claims: TokenClaims,
}

/// An issuer of candidates' tokens.
#[derive(Debug, Clone)]
pub struct Passport(Arc<Inner>);

struct Inner {
    settings: PassportSettings,
    http: reqwest::Client,
    keys: ArcSwap<KnownKeys>,
    /// When keys were last asked for; held while they are.
    asked: Mutex<Option<Instant>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Passport({})", self.settings.issuer)
    }
}

#[derive(Default)]
struct KnownKeys {
    by_id: HashMap<String, PinnedKey>,
    fetched_at: Option<Instant>,
}

/// A key with its one algorithm.
#[derive(Clone)]
struct PinnedKey {
    key: DecodingKey,
    algorithm: Algorithm,
}

/// Why keys could not be had.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("the passport's keys can't be fetched")]
    Http(#[from] reqwest::Error),
    #[error("the passport's keys are no JWKS")]
    Parse(#[from] serde_json::Error),
    #[error("the passport's keys are longer than {BYTES_MAX} bytes")]
    TooLong,
}

impl Passport {
    /// That issuer; nothing is fetched yet.
    ///
    /// # Errors
    /// Where the system's certificates can't be read.
    pub fn new(settings: PassportSettings) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .timeout(FETCH_TIME_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self(Arc::new(Inner {
            settings,
            http,
            keys: ArcSwap::default(),
            asked: Mutex::default(),
        })))
    }

    /// What a token says, if its signature holds and it has not ended.
    ///
    /// # Errors
    /// `overloaded` where the issuer's keys could never be fetched: nobody can say whether the token holds.
    pub async fn check(&self, token: &[u8], now: Moment) -> Result<Option<TokenClaims>, Problem> {
        if token.len() > TOKEN_BYTES_MAX {
            return Ok(None);
        }
        let Ok(header) = jsonwebtoken::decode_header(token) else {
            return Ok(None);
        };
        let Some(id) = header.kid else { return Ok(None) };
        let Some(key) = self.key(&id).await? else {
            return Ok(None);
        };
        let checked = jsonwebtoken::decode::<OutsideClaims>(token, &key.key, &self.validation(key.algorithm));
        let holds = |OutsideClaims { nbf, claims }: &OutsideClaims| {
            let from = nbf.saturating_sub(AHEAD_SECONDS_MAX).saturating_mul(1_000);
            let life = from..claims.exp.saturating_mul(1_000);
            claims.role == Role::Candidate && life.contains(&now.unix_ms())
        };
        let outside = checked.ok().map(|checked| checked.claims).filter(holds);
        Ok(outside.map(|outside| outside.claims))
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let settings = &self.0.settings;
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[&settings.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        // Ends are compared with engine time.
        validation.validate_exp = false;
        match &settings.audience {
            Some(audience) => {
                validation.set_audience(&[audience]);
                validation.set_required_spec_claims(&["exp", "iss", "sub", "aud"]);
            }
            None => validation.validate_aud = false,
        }
        validation
    }

    async fn key(&self, id: &str) -> Result<Option<PinnedKey>, Problem> {
        let keys = self.0.keys.load();
        if let Some(key) = keys.by_id.get(id) {
            if keys.fetched_at.is_some_and(|at| at.elapsed() >= FRESH) {
                let passport = self.clone();
                tokio::spawn(async move { passport.fetch_unless_asked_lately().await });
            }
            return Ok(Some(key.clone()));
        }
        drop(keys);
        // In a task of its own: whoever hangs up takes nobody else's keys along.
        let passport = self.clone();
        let fetched = tokio::spawn(async move { passport.fetch_unless_asked_lately().await });
        fetched.await.map_err(|_| Code::Internal)?;
        let keys = self.0.keys.load();
        if keys.fetched_at.is_none() {
            let detail = (
                "暂时无法取得外部通行证的公钥，不能核对令牌。",
                "The keys of the outside passport can't be had at the moment, so the token can't be checked.",
            );
            return Err(Problem::new(Code::Overloaded)
                .detailed(detail)
                .with_retry_after(Span::from_std(FETCH_PAUSE)));
        }
        Ok(keys.by_id.get(id).cloned())
    }

    async fn fetch_unless_asked_lately(&self) {
        let mut asked = self.0.asked.lock().await;
        if asked.is_some_and(|at| at.elapsed() < FETCH_PAUSE) {
            return;
        }
        *asked = Some(Instant::now());
        match self.fetch().await {
            Ok(by_id) => self.0.keys.store(Arc::new(KnownKeys {
                by_id,
                fetched_at: Some(Instant::now()),
            })),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the outside passport's keys were not renewed: those that are known go on"
            ),
        }
    }

    async fn fetch(&self) -> Result<HashMap<String, PinnedKey>, FetchError> {
        let request = self.0.http.get(self.0.settings.jwks_url.clone());
        let mut response = request.send().await?.error_for_status()?;
        let mut bytes = Vec::new();
        while let Some(part) = response.chunk().await? {
            bytes.extend_from_slice(&part);
            if bytes.len() > BYTES_MAX {
                return Err(FetchError::TooLong);
            }
        }
        let set: JwkSet = serde_json::from_slice(&bytes)?;
        Ok(set.keys.iter().filter_map(pinned).collect())
    }
}

/// A public key that signs, by its id; none of what is anything else.
fn pinned(jwk: &Jwk) -> Option<(String, PinnedKey)> {
    let common = &jwk.common;
    let signs = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
    let id = common.key_id.clone().filter(|_| signs)?;
    let algorithm = match (&jwk.algorithm, common.key_algorithm) {
        (AlgorithmParameters::RSA(_), None | Some(KeyAlgorithm::RS256)) => Algorithm::RS256,
        (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::RS384)) => Algorithm::RS384,
        (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::RS512)) => Algorithm::RS512,
        (AlgorithmParameters::RSA(_), Some(KeyAlgorithm::PS256)) => Algorithm::PS256,
        (AlgorithmParameters::EllipticCurve(curve), None | Some(KeyAlgorithm::ES256))
            if curve.curve == EllipticCurve::P256 =>
        {
            Algorithm::ES256
        }
        (AlgorithmParameters::EllipticCurve(curve), None | Some(KeyAlgorithm::ES384))
            if curve.curve == EllipticCurve::P384 =>
        {
            Algorithm::ES384
        }
        (AlgorithmParameters::OctetKeyPair(_), None | Some(KeyAlgorithm::EdDSA)) => Algorithm::EdDSA,
        _ => return None,
    };
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some((id, PinnedKey { key, algorithm }))
}
