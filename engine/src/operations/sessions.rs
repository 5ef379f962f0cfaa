//! Logging in and out (R1). The tokens themselves are the API's: here is whether one may be made, and whether one that
//! was made still holds.

use kaowei_core::ids::ProvinceCode;
use kaowei_core::time::Moment;

use crate::Engine;
use crate::failure::{Denied, Failure};
use crate::metrics::{LoginOutcome, login_answered};
use crate::people::{IdType, Password, end_session, has_session_ended};
use crate::views::Account;

/// A login as it is asked for. Deliberately not to be shown: it may end up in a log.
pub struct Login<'a> {
    /// In which province.
    pub province: ProvinceCode,
    /// The kind of document.
    pub id_type: IdType,
    /// Its number.
    pub id_number: &'a str,
    /// The password as it was typed.
    pub password: Password,
}

/// A login that is right.
#[derive(Debug, Clone, Copy)]
pub struct LoggedIn {
    /// Whose it is.
    pub account: Account,
    /// Which password it was made with: its token ends with that.
    pub generation: i64,
}

impl Engine {
    /// Checks a login. Whatever is wrong with it looks and takes the same: the password is hashed also where the captcha
    /// was not solved, which is looked at last, so that a login that is shed does not spend it.
    ///
    /// # Errors
    /// [`Denied::BadCredentials`]; [`Failure::Overloaded`] where more log in than can be served.
    pub async fn log_in(
        &self,
        login: Login<'_>,
        is_captcha_solved: impl FnOnce() -> Result<bool, Failure>,
    ) -> Result<LoggedIn, Denied> {
        let answer = self.check_login(login, is_captcha_solved).await;
        count_login(&answer);
        answer
    }

    async fn check_login(
        &self,
        login: Login<'_>,
        is_captcha_solved: impl FnOnce() -> Result<bool, Failure>,
    ) -> Result<LoggedIn, Denied> {
        self.incarnation()?;
        let Login {
            province,
            id_type,
            id_number,
            password,
        } = login;
        let credentials = &self.inner.credentials;
        let found = credentials.find(province, id_type.as_str(), id_number).await?;
        let stored = found.as_ref().map(|found| found.password.clone());
        let is_right = move || password.matches(stored.as_deref());
        let is_right = self.inner.costly.run(is_right).await?;
        let captcha_solved = is_captcha_solved()?;
        let found = found.filter(|_| is_right && captcha_solved);
        let found = found.ok_or(Denied::BadCredentials)?;
        let account = Account {
            candidate: found.candidate,
            province,
        };
        Ok(LoggedIn {
            account,
            generation: found.generation,
        })
    }

    /// Ends a session whose token would end at that instant.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`].
    pub async fn end_session(&self, session: &str, ends_at: Moment) -> Result<(), Failure> {
        end_session(&self.inner.store.people, session, ends_at, self.now()).await
    }

    /// Whether a session was logged out of.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`].
    pub async fn has_session_ended(&self, session: &str) -> Result<bool, Failure> {
        has_session_ended(&self.inner.store.people, session).await
    }

    /// Which password's tokens hold for an account that was seen before.
    pub fn token_generation(&self, issuer: &str, subject: &str) -> Option<i64> {
        self.inner.accounts.generation(issuer, subject)
    }

    /// Does work that takes long where it is in nobody's way.
    ///
    /// # Errors
    /// [`Failure::Overloaded`] where too much of it waits.
    pub async fn costly<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        self.inner.costly.run(work).await
    }
}

/// Counts a login, a candidate's or one of staff, by how it was answered.
pub(super) fn count_login<T>(answer: &Result<T, Denied>) {
    login_answered(match answer {
        Ok(_) => LoginOutcome::Opened,
        Err(Denied::BadCredentials) => LoginOutcome::Refused,
        Err(Denied::Failed(Failure::Overloaded { .. })) => LoginOutcome::Overloaded,
        Err(_) => LoginOutcome::Failed,
    });
}
