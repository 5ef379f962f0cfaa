//! Accounts behind tokens (2.1), and what their holders may change of them.

use kaowei_core::time::Moment;

use super::registration::{fault_of_name, fault_of_phone};
use crate::Engine;
use crate::failure::Denied;
use crate::people::{AccountDetails, CodePurpose, Identity, Message, NewCode};
use crate::views::Account;

impl Engine {
    /// An account that was seen before: no lock, no wait.
    pub fn known_account(&self, issuer: &str, subject: &str) -> Option<Account> {
        self.inner.accounts.known(issuer, subject)
    }

    /// The account of an identity; made at its first request where the token says who that is.
    ///
    /// # Errors
    /// [`Denied::UnknownAccount`] where it does not, or the ID number can't be one.
    pub async fn account(&self, identity: Identity<'_>) -> Result<Account, Denied> {
        self.inner.accounts.get(identity, self.now()).await
    }

    /// The person behind an account, in clear: mask it before anybody sees it.
    ///
    /// # Errors
    /// [`Denied::UnknownAccount`] where it was deleted.
    pub async fn account_details(&self, account: Account) -> Result<AccountDetails, Denied> {
        self.inner.accounts.details(account.candidate).await
    }

    /// Corrects the name. What was saved with an enrolment stays as it was (R8); the next query matches the new name
    /// (R3).
    ///
    /// # Errors
    /// [`Denied::Invalid`].
    pub async fn change_name(&self, account: Account, name: &str) -> Result<(), Denied> {
        if let Some(fault) = fault_of_name(name) {
            return Err(Denied::wrong("/name", fault));
        }
        self.inner.accounts.rename(account.candidate, name).await?;
        let entry = self.incarnation()?.candidate(account.candidate);
        entry.forget_found();
        Ok(())
    }

    /// Sends a code to a new phone; until when it may be typed in.
    ///
    /// # Errors
    /// [`Denied::Invalid`].
    pub async fn ask_phone_change(&self, account: Account, phone: &str) -> Result<Moment, Denied> {
        if let Some(fault) = fault_of_phone(phone) {
            return Err(Denied::wrong("/phone", fault));
        }
        let new = NewCode {
            id: &phone_change_id(account),
            purpose: CodePurpose::PhoneChange,
            of: Some((account.candidate, phone)),
            message: Message::Own,
        };
        let ends_at = self.inner.codes.make(new, self.now()).await?;
        self.inner.messages_wanted.notify_one();
        Ok(ends_at)
    }

    /// Binds the phone that a code was sent to.
    ///
    /// # Errors
    /// [`Denied::BadCredentials`] where the code is not the one that was sent there, or holds no more.
    pub async fn change_phone(&self, account: Account, phone: &str, code: &str) -> Result<(), Denied> {
        let (id, codes) = (phone_change_id(account), &self.inner.codes);
        let redeemed = codes
            .redeem(&id, CodePurpose::PhoneChange, code, self.now())
            .await?;
        let redeemed = redeemed.filter(|redeemed| redeemed.phone == phone);
        let redeemed = redeemed.ok_or(Denied::BadCredentials)?;
        codes.use_up(&redeemed).await?;
        Ok(codes.confirm_phone(&redeemed).await?)
    }
}

/// An account changes its phone once at a time.
fn phone_change_id(account: Account) -> String {
    format!("phone of {}", account.candidate)
}
