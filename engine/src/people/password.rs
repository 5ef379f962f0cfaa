//! Passwords: Argon2id, 19 MiB and two passes (OWASP's choice), stored with its parameters so that they can rise.
//!
//! Hashing takes a hundred times longer than a claim: it is done on [`crate::costly::CostlyWork`]'s threads only.

use std::time::Instant;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::rand::fill;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

use super::Person;
use crate::failure::Failure;
use crate::fault::Fault;
use crate::metrics;

/// The fewest characters of a password.
const CHARACTERS_MIN: usize = 8;
/// The most: what is longer is not hashed.
const CHARACTERS_MAX: usize = 128;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What an unknown account's password is compared with, so that it takes as long as a known one's: no password has
/// this hash.
const NOBODY_S: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A password as somebody typed it, composed (Unicode NFC), since keyboards write the same letter in different ways. It
/// is never shown.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct Password(String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(text.nfc().collect())
    }
}

impl From<&str> for Password {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Password {
    /// Why it can't be chosen, by its form.
    pub(crate) fn fault(&self) -> Option<Fault> {
        Fault::of_text(&self.0, CHARACTERS_MIN, CHARACTERS_MAX)
    }

    /// Why that person can't choose it.
    pub(crate) fn fault_for(&self, person: &Person) -> Option<Fault> {
        let is_known = |number: &str| !number.is_empty() && self.0.to_ascii_uppercase().contains(number);
        let id_number = person.id_number.to_ascii_uppercase();
        // The end of the ID number is what everybody tries first.
        let end = id_number.get(id_number.len().saturating_sub(CHARACTERS_MIN)..);
        let personal =
            is_known(&id_number) || is_known(&person.phone) || end == Some(&*self.0.to_ascii_uppercase());
        self.fault().or(personal.then_some(Fault::PersonalPassword))
    }

    /// What is stored of it.
    pub(crate) fn hash(&self) -> Result<String, Failure> {
        let mut salt = [0; 16];
        fill(&mut salt).map_err(|_| Failure::Internal)?;
        let started = Instant::now();
        let hash = argon2()?
            .hash_password_with_salt(self.0.as_bytes(), &salt)
            .map_err(|error| {
                tracing::error!(%error, "a password can't be hashed");
                Failure::Internal
            })?;
        metrics::password_hashed(started.elapsed());
        Ok(hash.to_string())
    }

    /// Whether it is the one that was stored; takes the same where there is none, or where it is too long to be one.
    pub(crate) fn matches(&self, stored: Option<&str>) -> bool {
        let started = Instant::now();
        let typed = if self.0.chars().nth(CHARACTERS_MAX).is_none() {
            self.0.as_bytes()
        } else {
            &[]
        };
        let matches = Argon2::default()
            .verify_password(typed, stored.unwrap_or(NOBODY_S))
            .is_ok();
        metrics::password_hashed(started.elapsed());
        matches
    }
}

fn argon2() -> Result<Argon2<'static>, Failure> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| Failure::Internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::IdType;

    #[test]
    fn r1_a_password_is_stored_as_argon2id_with_its_parameters_and_a_salt_of_its_own() {
        let password = Password::from("长安 correct horse");
        let (one, two) = (password.hash().unwrap(), password.hash().unwrap());
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, two);
        assert!(password.matches(Some(&one)) && password.matches(Some(&two)));
        assert!(!Password::from("长安 correct hors").matches(Some(&one)));
        assert!(!password.matches(None));
        assert_eq!(format!("{password:?}"), "Password(…)");
    }

    #[test]
    fn a_letter_is_the_same_however_a_keyboard_writes_it() {
        let (composed, decomposed) = ("cr\u{e8}me br\u{fb}l\u{e9}e", "cre\u{300}me bru\u{302}le\u{301}e");
        let hash = Password::from(composed).hash().unwrap();
        let typed: Password = serde_json::from_value(decomposed.into()).unwrap();
        assert!(typed.matches(Some(&hash)));
    }

    #[test]
    fn what_nobody_s_password_is_compared_with_costs_as_much_as_a_stored_one() {
        let head = |hash: &str| hash.rsplitn(3, '$').nth(2).map(str::to_owned);
        let stored = Password::from("correct horse").hash().unwrap();
        assert_eq!(head(NOBODY_S), head(&stored));
        argon2::password_hash::phc::PasswordHash::new(NOBODY_S).unwrap();
    }

    #[test]
    fn a_password_is_neither_short_nor_the_holder_s_numbers() {
        let person = Person {
            id_type: IdType::ResidentId,
            id_number: "11010519491231002X".into(),
            name: "张三".into(),
            phone: "13800000000".into(),
        };
        let fault = |text: &str| Password::from(text).fault_for(&person);
        assert_eq!(fault("1234567"), Some(Fault::Text { min: 8, max: 128 }));
        assert_eq!(fault(&"长".repeat(129)), Some(Fault::Text { min: 8, max: 128 }));
        for personal in ["11010519491231002x", "31231002x", "1231002X", "a13800000000"] {
            let wanted = (personal != "31231002x").then_some(Fault::PersonalPassword);
            assert_eq!(fault(personal), wanted, "{personal}");
        }
        assert_eq!(fault("长安长安长安长安"), None);
    }
}
