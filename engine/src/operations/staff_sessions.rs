//! Staff log in (R32), like candidates: whatever is wrong looks and takes the same.

use kaowei_core::sites::Scope;

use super::Staff;
use super::sessions::count_login;
use crate::Engine;
use crate::failure::{Denied, Failure};
use crate::people::{Password, StaffRow};

/// A login of staff as it is asked for. Deliberately not to be shown: it may end up in a log.
pub struct StaffLogin<'a> {
    /// The login, as it was given to the account.
    pub login: &'a str,
    /// The password as it was typed; with a code, the one that is to be set.
    pub password: Password,
    /// The code that sets the first password.
    pub code: Option<&'a str>,
}

impl StaffLogin<'_> {
    /// The login as it is compared.
    pub fn normal(&self) -> String {
        login_of(self.login)
    }
}

/// What hashing the password told.
enum Hashed {
    /// Whether it is the stored one.
    Compared(bool),
    /// What is to be stored of the first one.
    First(String),
}

impl Engine {
    /// Checks a login of staff; the first one sets the password. A first login whose answer was lost is repeated as it
    /// was.
    ///
    /// # Errors
    /// [`Denied::BadCredentials`]; [`Denied::Invalid`] for a first password that can't be one; [`Failure::Overloaded`]
    /// where more log in than can be served.
    pub async fn log_in_staff(
        &self,
        login: StaffLogin<'_>,
        is_captcha_solved: impl FnOnce() -> Result<bool, Failure>,
    ) -> Result<Staff, Denied> {
        let answer = self.check_staff_login(login, is_captcha_solved).await;
        count_login(&answer);
        answer
    }

    async fn check_staff_login(
        &self,
        login: StaffLogin<'_>,
        is_captcha_solved: impl FnOnce() -> Result<bool, Failure>,
    ) -> Result<Staff, Denied> {
        let normal = login.normal();
        let StaffLogin { password, code, .. } = login;
        if let Some(fault) = code.and_then(|_| password.fault()) {
            return Err(Denied::wrong("/password", fault));
        }
        let found = self.staff_behind(&normal).await?;
        let stored = found.as_ref().and_then(|(row, _)| row.password.clone());
        let is_first = code.is_some() && stored.is_none();
        let work = move || -> Result<Hashed, Failure> {
            Ok(if is_first {
                Hashed::First(password.hash()?)
            } else {
                Hashed::Compared(password.matches(stored.as_deref()))
            })
        };
        let hashed = self.inner.costly.run(work).await??;
        let captcha_solved = is_captcha_solved()?;
        let now = self.now();
        let is_right = |row: &StaffRow| code.is_none_or(|code| row.has_code(code, now));
        let found = found.filter(|(row, _)| captcha_solved && is_right(row));
        let (row, scope) = found.ok_or(Denied::BadCredentials)?;
        let opened = match hashed {
            Hashed::Compared(is_the_stored_one) => is_the_stored_one,
            Hashed::First(hash) => {
                let credentials = &self.inner.staff_credentials;
                credentials.set_password(row.staff, &hash).await?
            }
        };
        if !opened {
            return Err(Denied::BadCredentials);
        }
        Ok(Staff {
            subject: row.staff.to_string().into(),
            scope,
        })
    }

    /// The account that holds of that login.
    pub(super) async fn staff_behind(&self, login: &str) -> Result<Option<(StaffRow, Scope)>, Failure> {
        let incarnation = self.incarnation()?;
        let rows = self.inner.staff_credentials.of_login(login).await?;
        let accounts = incarnation.staff.read();
        let mut rows = rows.into_iter();
        Ok(rows.find_map(|row| {
            let scope = accounts.scope_of(row.staff)?;
            Some((row, scope))
        }))
    }
}

/// A login as it is compared.
pub(super) fn login_of(typed: &str) -> String {
    typed.trim().to_lowercase()
}
