//! Accounts behind tokens (2.1).

use crate::Engine;
use crate::failure::Denied;
use crate::people::{AccountDetails, Identity};
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
        self.inner.accounts.details(account).await
    }
}
