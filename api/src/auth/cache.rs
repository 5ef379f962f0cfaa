//! Tokens that were verified, so that a repeat costs a lookup instead of a signature check.
//!
//! Bounded without bookkeeping: two generations a shard; when the younger is full it becomes the older, and what was
//! the older is forgotten. A token that is still used moves to the younger on its next use. The shard and the hash
//! are taken from the token's end, which is its signature: random already, and only verified tokens get in.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use kaowei_core::ids::CandidateId;
use kaowei_core::time::Moment;
use parking_lot::Mutex;

use super::token::Principal;

const SHARDS: usize = 64;
/// Tokens in one generation of a shard: 64 × 2 × 2,048 tokens of about 450 bytes are at most 120 MiB.
const GENERATION_MAX: usize = 2_048;

/// The remembered tokens.
#[derive(Debug)]
pub struct VerifiedTokens {
    shards: Vec<Mutex<Shard>>,
    /// How often tokens were ended before their time.
    endings: AtomicU64,
}

/// How often tokens had been ended before their time when the verification of one began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endings(u64);

#[derive(Debug, Default)]
struct Shard {
    young: Generation,
    old: Generation,
}

type Generation = HashMap<Box<[u8]>, Entry, BuildHasherDefault<TailHasher>>;

#[derive(Debug, Clone)]
struct Entry {
    ends_at: Moment,
    principal: Principal,
}

/// Hashes a token by its end; the length, which a slice writes first, is overwritten.
#[derive(Debug, Default)]
struct TailHasher(u64);

impl Hasher for TailHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = tail(bytes);
    }
}

/// A number from the last 16 letters of a token: 96 bits of its signature, mixed into 64.
fn tail(token: &[u8]) -> u64 {
    let mut letters = [0; 16];
    let from = token.len().saturating_sub(16);
    let end = &token[from..];
    letters[..end.len()].copy_from_slice(end);
    let (high, low) = letters.split_at(8);
    let number = |half: &[u8]| {
        half.iter()
            .fold(0_u64, |number, letter| (number << 8) | u64::from(*letter))
    };
    // Letters of base64 leave their upper bits alike: multiplications spread what differs.
    let mixed = number(high).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number(low);
    mixed.wrapping_mul(0xD6E8_FEB8_6659_FD93).rotate_right(32)
}

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            endings: AtomicU64::new(0),
        }
    }
}

impl VerifiedTokens {
    /// Whom a token stands for, if it was verified before and has not ended.
    pub fn get(&self, token: &[u8], now: Moment) -> Option<Principal> {
        let mut shard = self.shard(token).lock();
        if let Some(entry) = shard.young.get(token) {
            return entry.principal_at(now);
        }
        let (kept, entry) = shard.old.remove_entry(token)?;
        let principal = entry.principal_at(now)?;
        shard.keep(kept, entry);
        Some(principal)
    }

    /// To be asked before a token is verified.
    pub fn endings(&self) -> Endings {
        Endings(self.endings.load(Ordering::Acquire))
    }

    /// Remembers a verified token until it ends: not where any was ended since its verification began, which may have
    /// been this one.
    pub fn remember(&self, token: &[u8], ends_at: Moment, principal: Principal, before: Endings) {
        let mut shard = self.shard(token).lock();
        if self.endings() == before {
            shard.keep(token.into(), Entry { ends_at, principal });
        }
    }

    /// Forgets a token that was ended before its time, when that is durable.
    pub fn forget(&self, token: &[u8]) {
        self.endings.fetch_add(1, Ordering::AcqRel);
        let mut shard = self.shard(token).lock();
        shard.young.remove(token);
        shard.old.remove(token);
    }

    /// Forgets all tokens of an account, when their end is durable.
    pub fn forget_all_of(&self, candidate: CandidateId) {
        self.endings.fetch_add(1, Ordering::AcqRel);
        let stays = |entry: &Entry| match &entry.principal {
            Principal::Candidate(account) => account.candidate != candidate,
            Principal::Staff(_) => true,
        };
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.young.retain(|_, entry| stays(entry));
            shard.old.retain(|_, entry| stays(entry));
        }
    }

    fn shard(&self, token: &[u8]) -> &Mutex<Shard> {
        let index = usize::try_from(tail(token) >> 48).unwrap_or(0) % SHARDS;
        &self.shards[index]
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| {
                let shard = shard.lock();
                shard.young.len() + shard.old.len()
            })
            .sum()
    }
}

impl Entry {
    fn principal_at(&self, now: Moment) -> Option<Principal> {
        (now < self.ends_at).then(|| self.principal.clone())
    }
}

impl Shard {
    fn keep(&mut self, token: Box<[u8]>, entry: Entry) {
        if self.young.len() >= GENERATION_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(token, entry);
    }
}

#[cfg(test)]
mod tests {
    use kaowei_engine::Account;

    use super::*;

    fn account(number: i64) -> Principal {
        Principal::Candidate(Account {
            candidate: CandidateId(number),
            province: "99".parse().unwrap(),
        })
    }

    #[test]
    fn a_token_is_remembered_until_it_ends() {
        let tokens = VerifiedTokens::default();
        let before = tokens.endings();
        tokens.remember(b"aaa.bbb.ccc", Moment::from_unix_ms(10), account(1), before);
        assert!(tokens.get(b"aaa.bbb.ccc", Moment::from_unix_ms(9)).is_some());
        assert!(tokens.get(b"aaa.bbb.ccc", Moment::from_unix_ms(10)).is_none());
        assert!(
            tokens.get(b"xxx.bbb.ccc", Moment::from_unix_ms(9)).is_none(),
            "the whole token counts"
        );
    }

    #[test]
    fn a_token_that_was_ended_is_forgotten_also_where_its_verification_was_under_way() {
        let tokens = VerifiedTokens::default();
        let now = Moment::from_unix_ms(9);
        let names: [&[u8]; 3] = [b"one", b"two", b"three"];
        for (name, number) in names.into_iter().zip([1, 1, 2]) {
            tokens.remember(name, Moment::MAX, account(number), tokens.endings());
        }
        let before = tokens.endings();
        tokens.forget(b"one");
        let known = || names.map(|name| tokens.get(name, now).is_some());
        assert_eq!(known(), [false, true, true]);
        tokens.remember(b"one", Moment::MAX, account(1), before);
        assert_eq!(known(), [false, true, true]);
        tokens.forget_all_of(CandidateId(1));
        assert_eq!(known(), [false, false, true]);
        tokens.remember(b"one", Moment::MAX, account(1), tokens.endings());
        assert_eq!(known(), [true, false, true]);
    }

    #[test]
    fn the_number_of_tokens_kept_is_bounded() {
        let tokens = VerifiedTokens::default();
        for n in 0..600_000_i64 {
            let signature = hex::encode(n.to_be_bytes()).repeat(2);
            tokens.remember(signature.as_bytes(), Moment::MAX, account(n), tokens.endings());
        }
        assert!(tokens.len() <= SHARDS * GENERATION_MAX * 2);
        assert!(
            tokens.len() > SHARDS * GENERATION_MAX,
            "and spread over the shards"
        );
    }
}
