//! The keys by which tokens are made and checked. Each key has its one algorithm; the token's header chooses nothing.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kaowei_core::time::Moment;

use super::token::{OWN_ISSUER, TokenClaims};

/// A token can't be longer than this: what is longer is not one of ours, and is not looked at.
const TOKEN_BYTES_MAX: usize = 4_096;

/// The own key, from the store.
pub struct Keys {
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

/// A token could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the token could not be signed")]
pub struct MintError(#[source] jsonwebtoken::errors::Error);

impl Keys {
    /// Keys around the server's own secret.
    pub fn new(own: &[u8; 32]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[OWN_ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        // Ends are compared with engine time, which tests and simulations replace, in `check`.
        validation.validate_exp = false;
        validation.validate_aud = false;
        Self {
            signing: EncodingKey::from_secret(own),
            checking: DecodingKey::from_secret(own),
            validation,
        }
    }

    /// Makes a token.
    ///
    /// # Errors
    /// [`MintError`], not in practice.
    pub fn mint(&self, claims: &TokenClaims) -> Result<String, MintError> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.signing).map_err(MintError)
    }

    /// What a token says, if its signature holds and it has not ended. Why it is refused is nobody's business.
    pub fn check(&self, token: &[u8], now: Moment) -> Option<TokenClaims> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let checked = jsonwebtoken::decode::<TokenClaims>(token, &self.checking, &self.validation).ok()?;
        (now.unix_ms() < checked.claims.exp.saturating_mul(1_000)).then_some(checked.claims)
    }
}

#[cfg(test)]
mod tests {
    use super::super::token::Role;
    use super::*;

    fn claims(exp: i64) -> TokenClaims {
        TokenClaims {
            iss: OWN_ISSUER.into(),
            sub: "s".into(),
            role: Role::Staff,
            exp,
            sid: None,
            generation: 0,
            province: None,
            scope: Some("national".into()),
            id_type: None,
            id_number: None,
            name: None,
            phone: None,
        }
    }

    #[test]
    fn only_tokens_of_the_own_key_and_algorithm_that_have_not_ended_are_taken() {
        let keys = Keys::new(&[7; 32]);
        let now = Moment::from_unix_ms(1_000_000);
        let token = keys.mint(&claims(1_001)).unwrap();
        assert_eq!(keys.check(token.as_bytes(), now), Some(claims(1_001)));
        assert_eq!(
            keys.check(token.as_bytes(), Moment::from_unix_ms(1_001_000)),
            None
        );
        assert_eq!(Keys::new(&[8; 32]).check(token.as_bytes(), now), None);

        let other = jsonwebtoken::encode(
            &Header::new(Algorithm::HS384),
            &claims(1_001),
            &EncodingKey::from_secret(&[7; 32]),
        );
        assert_eq!(keys.check(other.unwrap().as_bytes(), now), None);
        let unsigned = "eyJhbGciOiJub25lIn0.e30.";
        assert_eq!(keys.check(unsigned.as_bytes(), now), None);
        let foreign = TokenClaims {
            iss: "elsewhere".into(),
            ..claims(1_001)
        };
        assert_eq!(keys.check(keys.mint(&foreign).unwrap().as_bytes(), now), None);
    }
}
