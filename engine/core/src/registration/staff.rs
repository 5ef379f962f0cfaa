//! The accounts of staff (R32): who was given which scope by whom, and who had it taken away again.
//!
//! Pseudonyms only. An account holds from the event that made it to the event that ended it, for ever: whom an old record
//! of the audit trail names can still be found. Deliberately absent: names, logins, passwords (persons' data, the
//! engine's).

use std::collections::BTreeMap;

use super::Event;
use crate::ids::{Cell, StaffAccountId};
use crate::seats::By;
use crate::sites::Scope;
use crate::time::Moment;

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffAccount {
    /// In whose chain its events are.
    pub cell: Cell,
    /// How far it sees.
    pub scope: Scope,
    /// Who gave it.
    pub created_by: By,
    /// When.
    pub created_at: Moment,
    /// Its end, if it has ended.
    pub revoked: Option<Revoked>,
}

/// The end of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Who ended it.
    pub by: By,
    /// When.
    pub at: Moment,
}

/// All accounts that there ever were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaffAccounts(BTreeMap<StaffAccountId, StaffAccount>);

impl StaffAccounts {
    /// What an event of a cell makes of them.
    pub fn evolve(&mut self, cell: Cell, event: &Event, at: Moment) {
        match event {
            Event::StaffAccountCreated {
                account, scope, by, ..
            } => {
                let created = StaffAccount {
                    cell,
                    scope: *scope,
                    created_by: by.clone(),
                    created_at: at,
                    revoked: None,
                };
                self.0.entry(*account).or_insert(created);
            }
            Event::StaffAccountRevoked { account, by, .. } => {
                if let Some(account) = self.0.get_mut(account) {
                    let revoked = Revoked { by: by.clone(), at };
                    account.revoked.get_or_insert(revoked);
                }
            }
            _ => {}
        }
    }

    /// Puts one back as it was stored.
    pub fn restore(&mut self, id: StaffAccountId, account: StaffAccount) {
        self.0.insert(id, account);
    }

    /// One of them.
    pub fn get(&self, id: StaffAccountId) -> Option<&StaffAccount> {
        self.0.get(&id)
    }

    /// All of them, in the order in which they were made.
    pub fn iter(&self) -> impl Iterator<Item = (StaffAccountId, &StaffAccount)> {
        self.0.iter().map(|(id, account)| (*id, account))
    }

    /// How far an account sees that has not ended.
    pub fn scope_of(&self, id: StaffAccountId) -> Option<Scope> {
        let account = self.0.get(&id).filter(|account| account.revoked.is_none());
        account.map(|account| account.scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r32_an_account_holds_from_its_beginning_to_its_end() {
        let mut accounts = StaffAccounts::default();
        let (id, cell) = (StaffAccountId(7), "99".parse().unwrap());
        let scope = Scope::School("99101".parse().unwrap());
        let by = || By::Staff("operator".into());
        let at = Moment::from_unix_ms;
        let created = Event::StaffAccountCreated {
            account: id,
            scope,
            by: by(),
            reason: None,
        };
        let revoked = Event::StaffAccountRevoked {
            account: id,
            by: by(),
            reason: Some("left the school".into()),
        };
        accounts.evolve(cell, &revoked, at(1));
        assert_eq!(accounts.get(id), None, "there is none yet");
        accounts.evolve(cell, &created, at(2));
        assert_eq!(accounts.scope_of(id), Some(scope));
        accounts.evolve(cell, &revoked, at(3));
        // Neither is undone.
        accounts.evolve(cell, &created, at(4));
        accounts.evolve(cell, &revoked, at(5));
        assert_eq!(accounts.scope_of(id), None);
        let account = accounts.get(id).unwrap();
        assert_eq!(account.created_at, at(2));
        assert_eq!(account.revoked.as_ref().map(|revoked| revoked.at), Some(at(3)));
    }
}
