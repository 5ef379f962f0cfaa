//! Making an account of one's own (R1): who one is, and a password.

use kaowei_core::ids::ProvinceCode;

use crate::Engine;
use crate::failure::{Denied, Failure};
use crate::fault::{Fault, WrongField};
use crate::people::{AccountDetails, NewCredentials, Password, Person, identity_hash};
use crate::store::is_storable;

/// The most characters of a name.
const NAME_MAX: usize = 100;

/// An account as it is asked for.
#[derive(Debug, Clone)]
pub struct Registration<'a> {
    /// Who issues the account's tokens.
    pub issuer: &'a str,
    /// Whom they name.
    pub subject: &'a str,
    /// Where the candidate will sit.
    pub province: ProvinceCode,
    /// Who the candidate is.
    pub person: Person,
    /// What the candidate will log in with.
    pub password: Password,
    /// The hash of the idempotency key it came with.
    pub key: Option<u128>,
}

impl Engine {
    /// Makes an account with a password; where the same request made it before, it is found by its idempotency key, also
    /// by a repeat that comes while the first is under way. The captcha is looked at last, so that neither a mistake nor
    /// a full queue spends it, and a repeat needs none.
    ///
    /// # Errors
    /// [`Denied::Invalid`] with everything that is wrong; [`Denied::BadCredentials`] where the captcha is not solved;
    /// [`Denied::AccountExists`]; [`Denied::IdempotencyMismatch`].
    pub async fn register(
        &self,
        asked: Registration<'_>,
        is_captcha_solved: impl FnOnce() -> Result<bool, Failure>,
    ) -> Result<AccountDetails, Denied> {
        let credentials = &self.inner.credentials;
        let _turn = match asked.key {
            Some(key) => Some(credentials.turn(key).await),
            None => None,
        };
        if let Some(account) = self.registered_before(&asked).await? {
            return Ok(account);
        }
        let wrong = self.faults(&asked)?;
        if !wrong.is_empty() {
            return Err(Denied::Invalid(wrong));
        }
        let Registration {
            province,
            person,
            password,
            ..
        } = asked;
        let hash = self.inner.costly.run(move || password.hash()).await??;
        if !is_captcha_solved()? {
            return Err(Denied::BadCredentials);
        }

        let new = NewCredentials {
            identity: identity_hash(&self.inner.store.secrets, asked.issuer, asked.subject),
            province,
            person: &person,
            password: hash,
            key: asked.key,
            at: self.now(),
        };
        let created_at = new.at;
        credentials.add(new).await?;
        Ok(AccountDetails {
            province,
            person,
            created_at,
        })
    }

    /// What the same request made before: nothing of the password is kept to compare but its hash.
    async fn registered_before(&self, asked: &Registration<'_>) -> Result<Option<AccountDetails>, Denied> {
        let Some(key) = asked.key else { return Ok(None) };
        let credentials = &self.inner.credentials;
        let found = credentials.registered(asked.province, &asked.person, key).await?;
        let Some(found) = found else { return Ok(None) };
        let details = self.inner.accounts.details(found.candidate).await?;
        let password = asked.password.clone();
        let same_password = move || password.matches(Some(&found.password));
        if details.person == asked.person && self.inner.costly.run(same_password).await? {
            Ok(Some(details))
        } else {
            Err(Denied::IdempotencyMismatch)
        }
    }

    fn faults(&self, asked: &Registration<'_>) -> Result<Vec<WrongField>, Denied> {
        let person = &asked.person;
        let catalogue = self.incarnation()?.catalogue();
        let mut campuses = catalogue.tree.campuses();
        let is_known = campuses.any(|campus| campus.province == asked.province);
        let unknown_province = (!is_known).then_some(Fault::UnknownProvince(asked.province));
        let faults = [
            ("/province", unknown_province),
            ("/id_number", person.id_type.fault_of(&person.id_number)),
            ("/name", fault_of_name(&person.name)),
            ("/phone", fault_of_phone(&person.phone)),
            ("/password", asked.password.fault_for(person)),
        ];
        let wrong = faults.into_iter().filter_map(|(pointer, fault)| {
            Some(WrongField {
                pointer: pointer.into(),
                fault: fault?,
            })
        });
        Ok(wrong.collect())
    }
}

/// What is wrong with a name.
pub(super) fn fault_of_name(name: &str) -> Option<Fault> {
    let blank = name.trim().is_empty() || !is_storable(name);
    let fault = Fault::of_text(name, 1, NAME_MAX);
    fault.or(blank.then_some(Fault::Text {
        min: 1,
        max: NAME_MAX,
    }))
}

/// What is wrong with a phone number: 6 to 15 digits, as E.164 has them, perhaps with a + before them.
pub(super) fn fault_of_phone(phone: &str) -> Option<Fault> {
    let digits = phone.strip_prefix('+').unwrap_or(phone);
    let is_phone = (6..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    (!is_phone).then_some(Fault::Phone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_has_digits_and_perhaps_a_plus() {
        for phone in ["13800000000", "+85261234567", "123456"] {
            assert_eq!(fault_of_phone(phone), None, "{phone}");
        }
        for phone in [
            "",
            "+",
            "12345",
            "1380000000012345",
            "138-0000-0000",
            "１３８００００００００",
        ] {
            assert_eq!(fault_of_phone(phone), Some(Fault::Phone), "{phone}");
        }
    }

    #[test]
    fn a_name_is_not_blank() {
        assert_eq!(fault_of_name("买买提·艾力"), None);
        for name in ["", " \u{3000}", "a\0", &"长".repeat(101)] {
            assert!(fault_of_name(name).is_some(), "{name:?}");
        }
    }
}
