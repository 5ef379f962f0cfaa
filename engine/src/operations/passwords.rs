//! New passwords (R1): with the old one, or with a code sent to the bound phone. Either ends all tokens of the account.

use aws_lc_rs::rand::fill;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kaowei_core::ids::{CandidateId, ProvinceCode};
use kaowei_core::time::Moment;

use crate::Engine;
use crate::failure::{Denied, Failure};
use crate::people::{CodePurpose, IdType, Message, NewCode, Password};
use crate::views::Account;

/// A code that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordReset {
    /// What to hand in the code with.
    pub id: String,
    /// Until when.
    pub ends_at: Moment,
}

/// A password that may be set: whose, and its hash.
pub struct NewPassword {
    candidate: CandidateId,
    hash: String,
}

impl NewPassword {
    /// Whose it will be.
    pub fn candidate(&self) -> CandidateId {
        self.candidate
    }
}

impl Engine {
    /// Sends a code to the phone of that person's account, if there is one: who asks can't tell.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`].
    pub async fn ask_password_reset(
        &self,
        province: ProvinceCode,
        id_type: IdType,
        id_number: &str,
        message: Message,
    ) -> Result<PasswordReset, Denied> {
        let credentials = &self.inner.credentials;
        let found = credentials.find(province, id_type.as_str(), id_number).await?;
        let phone = found
            .as_ref()
            .map(|found| self.inner.store.secrets.open(&found.phone));
        let phone = phone.transpose().map_err(|_| Failure::Internal)?;
        let id = random_id()?;
        let new = NewCode {
            id: &id,
            purpose: CodePurpose::PasswordReset,
            of: found.map(|found| found.candidate).zip(phone.as_deref()),
            message,
        };
        let ends_at = self.inner.codes.make(new, self.now()).await?;
        self.inner.messages_wanted.notify_one();
        Ok(PasswordReset { id, ends_at })
    }

    /// The new password that a code may set.
    ///
    /// # Errors
    /// [`Denied::Invalid`], [`Denied::BadCredentials`] where the code is not that one's or holds no more.
    pub async fn redeem_password_reset(
        &self,
        id: &str,
        code: &str,
        password: Password,
    ) -> Result<NewPassword, Denied> {
        if let Some(fault) = password.fault() {
            return Err(Denied::wrong("/password", fault));
        }
        // Before the code is looked at: a full queue costs no try, and every answer takes the same.
        let typed = password.clone();
        let hash = self.inner.costly.run(move || typed.hash()).await??;
        let codes = &self.inner.codes;
        let redeemed = codes
            .redeem(id, CodePurpose::PasswordReset, code, self.now())
            .await?;
        let redeemed = redeemed.ok_or(Denied::BadCredentials)?;
        let candidate = redeemed.candidate;
        // Only whoever has the code learns what the holder's numbers are not.
        let details = self.inner.accounts.details(candidate).await?;
        if let Some(fault) = password.fault_for(&details.person) {
            return Err(Denied::wrong("/password", fault));
        }
        codes.use_up(&redeemed).await?;
        Ok(NewPassword { candidate, hash })
    }

    /// The new password that the one in force may set.
    ///
    /// # Errors
    /// [`Denied::BadCredentials`] where `current` is not the one in force; [`Denied::PassportAccount`] where there is
    /// none; [`Denied::Invalid`].
    pub async fn check_password_change(
        &self,
        account: Account,
        current: Password,
        new: Password,
    ) -> Result<NewPassword, Denied> {
        let found = self.inner.credentials.of(account.candidate).await?;
        let stored = found.ok_or(Denied::PassportAccount)?.password;
        let details = self.inner.accounts.details(account.candidate).await?;
        if let Some(fault) = new.fault_for(&details.person) {
            return Err(Denied::wrong("/password", fault));
        }
        let hash = move || current.matches(Some(&stored)).then(|| new.hash());
        let hash = self.inner.costly.run(hash).await?;
        let hash = hash.ok_or(Denied::BadCredentials)??;
        let candidate = account.candidate;
        Ok(NewPassword { candidate, hash })
    }

    /// Sets a new password. Not to be dropped half-way: what was committed would not be learnt.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`]: perhaps it was set all the same.
    pub async fn set_password(&self, new: NewPassword) -> Result<(), Denied> {
        let NewPassword { candidate, hash } = new;
        let inner = &self.inner;
        let changed = inner.credentials.change(candidate, &hash, self.now()).await;
        // Also where nobody knows whether it was.
        let seen = inner.accounts.look_again(candidate).await;
        Ok(changed.and(seen)?)
    }
}

/// An id that nobody guesses.
fn random_id() -> Result<String, Failure> {
    let mut bytes = [0; 18];
    fill(&mut bytes).map_err(|_| Failure::Internal)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
