//! Accounts of staff (R32): given and taken away by those above.
//!
//! A scope gives accounts for what lies strictly below it; only national staff give each other theirs. Who has an account
//! is in the journal, and so in memory: an account that is taken away ends with the publication of its event, wherever its
//! tokens are remembered. Names, logins and passwords are persons' data, written before the event that names their
//! pseudonym.
//!
//! A crash between the two leaves a row without an account: nobody can log in to it, and the request's repeat with its
//! key goes on from there.

use kaowei_core::ids::{Cell, StaffAccountId, national_cell};
use kaowei_core::registration::{Event, StaffAccount};
use kaowei_core::sites::Scope;
use kaowei_core::time::Moment;

use super::registration::fault_of_name;
use super::staff::REASON_MAX;
use super::staff_sessions::login_of;
use super::{KeyHashes, Staff};
use crate::Engine;
use crate::fail_points::{FailPoint, pass};
use crate::failure::{Denied, Failure};
use crate::fault::{Fault, WrongField};
use crate::people::{StaffPerson, StaffRequest, StaffRow};

/// An account of staff as it is asked for. Deliberately not to be shown: it names a person.
#[derive(Clone)]
pub struct NewStaffAccount {
    /// What its holder logs in with.
    pub login: String,
    /// Who that is.
    pub name: String,
    /// How far they are to see.
    pub scope: Scope,
    /// Why, if said.
    pub reason: Option<String>,
    /// The idempotency key it came with.
    pub key: Option<KeyHashes>,
}

/// An account of staff, with the person in clear.
#[derive(Clone)]
pub struct StaffAccountView {
    /// Its pseudonym.
    pub id: StaffAccountId,
    /// Its scope, its beginning, its end.
    pub account: StaffAccount,
    /// The login.
    pub login: String,
    /// The name.
    pub name: String,
    /// Until when its code sets the password; none where one is set.
    pub code_ends_at: Option<Moment>,
}

/// An account that was given: the code is told to nobody else.
#[derive(Clone)]
pub struct Invitation {
    /// The account as it was given.
    pub account: StaffAccountView,
    /// What its holder sets the password with.
    pub code: String,
}

impl Engine {
    /// Gives an account.
    ///
    /// # Errors
    /// [`Denied::OutOfScope`] for one that does not lie strictly below; [`Denied::Invalid`]; [`Denied::AccountExists`]
    /// where somebody has that login; [`Denied::IdempotencyMismatch`].
    pub async fn create_staff_account(
        &self,
        staff: &Staff,
        asked: NewStaffAccount,
    ) -> Result<Invitation, Denied> {
        let (engine, staff) = (self.clone(), staff.clone());
        // To its end also where whoever asked hangs up: the next one must find the event.
        let invited = tokio::spawn(async move { engine.invite(&staff, asked).await });
        invited.await.map_err(|_| Failure::Internal)?
    }

    async fn invite(&self, staff: &Staff, asked: NewStaffAccount) -> Result<Invitation, Denied> {
        let _one_at_a_time = self.inner.staffing.lock().await;
        self.check_staff(staff)?;
        let incarnation = self.incarnation()?;
        let cell = asked.scope.cell(&incarnation.catalogue().tree);
        // Who does not see the whole tree is not told what is in it.
        let appoints = cell.map_or(staff.scope == Scope::National, |cell| {
            staff.scope.appoints(asked.scope, cell)
        });
        if !appoints {
            return Err(Denied::OutOfScope);
        }
        let person = StaffPerson {
            login: login_of(&asked.login),
            name: asked.name.trim().into(),
        };
        let wrong = faults(&person, &asked, cell);
        let (Some(cell), true) = (cell, wrong.is_empty()) else {
            return Err(Denied::Invalid(wrong));
        };
        let request = asked.key.map(|KeyHashes { key, body }| StaffRequest {
            creator: &staff.subject,
            key,
            body,
        });
        let credentials = &self.inner.staff_credentials;
        let before = match request {
            Some(request) => credentials.of_request(request).await?,
            None => None,
        };
        let has_begun = {
            let accounts = incarnation.staff.read();
            before
                .as_ref()
                .is_some_and(|row| accounts.get(row.staff).is_some())
        };
        if !has_begun && self.staff_behind(&person.login).await?.is_some() {
            return Err(Denied::AccountExists);
        }
        let row = match before {
            Some(row) => row,
            None => credentials.add(person, request, self.now()).await?,
        };
        pass(FailPoint::StaffAccountWritten);
        if !has_begun {
            let event = Event::StaffAccountCreated {
                account: row.staff,
                scope: asked.scope,
                by: staff.by(),
                reason: asked.reason.map(Into::into),
            };
            incarnation.record(cell, vec![event]).await?;
        }
        pass(FailPoint::StaffAccountNotAnswered);
        let account = incarnation.staff.read().get(row.staff).cloned();
        let account = account.ok_or(Failure::Internal)?;
        Ok(invitation(row, account))
    }

    /// Accounts that a member of staff may give and take away, after one of them, in the order in which they were made;
    /// those that have ended too.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`].
    pub async fn staff_accounts(
        &self,
        staff: &Staff,
        after: Option<StaffAccountId>,
        limit: usize,
    ) -> Result<Vec<StaffAccountView>, Failure> {
        let listed: Vec<(StaffAccountId, StaffAccount)> = self
            .incarnation()?
            .staff
            .read()
            .iter()
            .filter(|(id, _)| after.is_none_or(|after| after < *id))
            .filter(|(_, account)| staff.scope.appoints(account.scope, account.cell))
            .take(limit)
            .map(|(id, account)| (id, account.clone()))
            .collect();
        let ids = listed.iter().map(|(id, _)| *id);
        let mut rows = self.inner.staff_credentials.of(ids).await?;
        let view = |(id, account)| Ok(view(rows.remove(&id).ok_or(Failure::Internal)?, account));
        listed.into_iter().map(view).collect()
    }

    /// Takes an account away: all its tokens end at once. One that has ended stays as it is.
    ///
    /// # Errors
    /// [`Denied::NotFound`], [`Denied::OutOfScope`], [`Denied::Invalid`].
    pub async fn revoke_staff_account(
        &self,
        staff: &Staff,
        id: StaffAccountId,
        reason: Option<String>,
    ) -> Result<(), Denied> {
        let (engine, staff) = (self.clone(), staff.clone());
        let revoked = tokio::spawn(async move { engine.dismiss(&staff, id, reason).await });
        revoked.await.map_err(|_| Failure::Internal)?
    }

    async fn dismiss(&self, staff: &Staff, id: StaffAccountId, reason: Option<String>) -> Result<(), Denied> {
        let _one_at_a_time = self.inner.staffing.lock().await;
        self.check_staff(staff)?;
        let incarnation = self.incarnation()?;
        let account = incarnation.staff.read().get(id).cloned();
        let account = account.ok_or(Denied::NotFound)?;
        if !staff.scope.appoints(account.scope, account.cell) {
            return Err(Denied::OutOfScope);
        }
        if let Some(fault) = fault_of_reason(reason.as_deref()) {
            return Err(Denied::wrong("/reason", fault));
        }
        if account.revoked.is_some() {
            return Ok(());
        }
        let event = Event::StaffAccountRevoked {
            account: id,
            by: staff.by(),
            reason: reason.map(Into::into),
        };
        Ok(incarnation.record(account.cell, vec![event]).await?)
    }
}

fn faults(person: &StaffPerson, asked: &NewStaffAccount, cell: Option<Cell>) -> Vec<WrongField> {
    let scope = match asked.scope {
        Scope::Province(province) if province == national_cell() => Some(Fault::ReservedProvince(province)),
        Scope::School(school) if cell.is_none() => Some(Fault::UnknownSchool(school)),
        Scope::National | Scope::Province(_) | Scope::School(_) => None,
    };
    let faults = [
        ("/login", fault_of_login(&person.login)),
        ("/name", fault_of_name(&person.name)),
        ("/scope", scope),
        ("/reason", fault_of_reason(asked.reason.as_deref())),
    ];
    let wrong = faults.into_iter().filter_map(|(pointer, fault)| {
        Some(WrongField {
            pointer: pointer.into(),
            fault: fault?,
        })
    });
    wrong.collect()
}

fn fault_of_login(login: &str) -> Option<Fault> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b".-_@".contains(&byte);
    let fits = (3..=64).contains(&login.len()) && login.bytes().all(is_letter);
    (!fits).then_some(Fault::StaffLogin)
}

fn fault_of_reason(reason: Option<&str>) -> Option<Fault> {
    Fault::of_text(reason?, 1, REASON_MAX)
}

/// As it was given, whatever became of it since: a repeat hears the same.
fn invitation(row: StaffRow, account: StaffAccount) -> Invitation {
    let code = row.code.clone();
    let as_given = StaffAccount {
        revoked: None,
        ..account
    };
    let as_written = StaffRow {
        password: None,
        ..row
    };
    Invitation {
        account: view(as_written, as_given),
        code,
    }
}

fn view(row: StaffRow, account: StaffAccount) -> StaffAccountView {
    StaffAccountView {
        id: row.staff,
        account,
        login: row.person.login,
        name: row.person.name,
        code_ends_at: row.password.is_none().then_some(row.code_ends_at),
    }
}

#[cfg(test)]
mod tests {
    use kaowei_core::registration::ImportKind;
    use kaowei_core::seats::By;

    use super::*;
    use crate::Settings;
    use crate::operations::ImportOptions;

    /// Whoever waits for the turn of staff's changes, behind an import, does nothing after the account has ended.
    #[test]
    fn r32_a_change_that_waits_is_not_made_when_its_account_has_ended() {
        actix_rt::System::new().block_on(async {
            let folder = std::env::temp_dir().join(format!("kaowei-{}", uuid::Uuid::now_v7()));
            let engine = Engine::open(Settings::embedded(&folder)).await.unwrap();
            let operator = Staff {
                subject: "operator".into(),
                scope: Scope::National,
            };
            let new = NewStaffAccount {
                login: "li.na".into(),
                name: "李娜".into(),
                scope: Scope::National,
                reason: None,
                key: None,
            };
            let invitation = engine.create_staff_account(&operator, new).await.unwrap();
            let account = invitation.account;
            assert_eq!(account.account.created_by, By::Staff("operator".into()));
            let li = Staff {
                subject: account.id.to_string().into(),
                scope: Scope::National,
            };
            let file = folder.join("empty.csv");
            let before = engine.take_changes().await.unwrap();
            let import = engine.import(
                &li,
                ImportKind::Campuses,
                &file,
                ImportOptions::default(),
                &|_, _| {},
            );
            let ended = async {
                let revoked = engine.revoke_staff_account(&operator, account.id, None).await;
                drop(before);
                revoked
            };
            let (imported, revoked) = tokio::join!(import, ended);
            assert_eq!((imported, revoked), (Err(Denied::StaffAccountEnded), Ok(())));
            engine.close().await;
            std::fs::remove_dir_all(folder).unwrap();
        });
    }
}
