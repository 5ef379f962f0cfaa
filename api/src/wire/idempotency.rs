//! `Idempotency-Key`: 1 to 255 visible ASCII letters. Only hashes of it and of what it came with go further.

use aws_lc_rs::digest::{Context, SHA256, digest};
use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use kaowei_engine::{KeyHashes, Staff};

use crate::problem::Problem;

const NAME: &str = "idempotency-key";
const BYTES_MAX: usize = 255;

/// What a key can come with. The same key with another operation is a mismatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `POST /v1/claims`
    Claim,
    /// `POST /v1/enrolment`
    Enrol,
    /// `POST /v1/review`
    Review,
    /// `POST /v1/staff/reviews`
    ReviewOnBehalf,
    /// `POST /v1/staff/reviews/{id}`
    DecideReview,
    /// `POST /v1/orders`
    Order,
    /// `POST /v1/staff/accounts`
    CreateStaffAccount,
}

/// The hash of the key, if one was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyKey(Option<u128>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(key) = parts.headers.get(NAME) else {
            return Ok(Self(None));
        };
        let key = key.as_bytes();
        let fits = (1..=BYTES_MAX).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
        if !fits {
            let problem = (
                "Idempotency-Key 须为 1 至 255 个可见 ASCII 字符。",
                "Idempotency-Key must be 1 to 255 visible ASCII letters.",
            );
            return Err(Problem::wrong_parameter(StatusCode::BAD_REQUEST, NAME, problem));
        }
        Ok(Self(Some(half(digest(&SHA256, key).as_ref()))))
    }
}

impl IdempotencyKey {
    /// The hash of the key alone.
    pub fn hash(self) -> Option<u128> {
        self.0
    }

    /// The key as one of that member of staff: where it is remembered with a candidate's, it is none of his.
    #[must_use]
    pub fn of(self, staff: &Staff) -> Self {
        let Self(Some(key)) = self else { return self };
        let mut context = Context::new(&SHA256);
        context.update(b"staff\n");
        context.update(&key.to_be_bytes());
        context.update(staff.subject.as_bytes());
        Self(Some(half(context.finish().as_ref())))
    }

    /// The key with what it came with.
    pub fn with(self, operation: Operation, body: &[u8]) -> Option<KeyHashes> {
        let key = self.0?;
        let mut context = Context::new(&SHA256);
        let name: &[u8] = match operation {
            Operation::Claim => b"POST /v1/claims\n",
            Operation::Enrol => b"POST /v1/enrolment\n",
            Operation::Review => b"POST /v1/review\n",
            Operation::ReviewOnBehalf => b"POST /v1/staff/reviews\n",
            Operation::DecideReview => b"POST /v1/staff/reviews/{id}\n",
            Operation::CreateStaffAccount => b"POST /v1/staff/accounts\n",
            Operation::Order => b"POST /v1/orders\n",
        };
        context.update(name);
        context.update(body);
        Some(KeyHashes {
            key,
            body: half(context.finish().as_ref()),
        })
    }
}

/// The first half of a SHA-256 hash as a number.
fn half(hash: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn key(value: &[u8]) -> Result<IdempotencyKey, Problem> {
        let request = http::Request::builder().header(NAME, value).body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        IdempotencyKey::from_request_parts(&mut parts, &())
            .now_or_never()
            .unwrap()
    }

    #[test]
    fn a_key_is_1_to_255_visible_letters() {
        assert!(key(b"a-1").is_ok());
        assert!(key(&[b'a'; 255]).is_ok());
        for bad in [&b""[..], &[b'a'; 256], b"a b", "键".as_bytes()] {
            assert!(key(bad).is_err());
        }
    }

    #[test]
    fn the_same_key_and_body_hash_alike_and_another_operation_does_not() {
        let key = key(b"a").unwrap();
        let claim = key.with(Operation::Claim, b"{}").unwrap();
        assert_eq!(claim.body, key.with(Operation::Claim, b"{}").unwrap().body);
        assert_ne!(claim.body, key.with(Operation::Enrol, b"{}").unwrap().body);
        assert_ne!(claim.body, key.with(Operation::Claim, b"{ }").unwrap().body);
        assert!(IdempotencyKey(None).with(Operation::Claim, b"{}").is_none());
    }
}
