//! The table of staff accounts (R32).

use kaowei_core::ids::StaffAccountId;
use kaowei_core::registration::{Event, Revoked, StaffAccount, StaffAccounts};
use kaowei_core::seats::By;
use kaowei_core::time::Moment;

use crate::failure::OpenError;
use crate::store::{Db, Statement, on};

/// What a slice of the journal changes.
#[derive(Debug, Default)]
pub(super) struct StaffFold {
    /// Account, cell, scope, by whom, when.
    created: Vec<(StaffAccountId, String, String, String, Moment)>,
    /// Account, by whom, when; the account may be in the table already.
    revoked: Vec<(StaffAccountId, String, Moment)>,
}

impl StaffFold {
    pub(super) fn add(&mut self, cell: &str, event: &Event, at: Moment) -> Result<(), OpenError> {
        match event {
            Event::StaffAccountCreated {
                account, scope, by, ..
            } => self
                .created
                .push((*account, cell.into(), scope.to_string(), written(by)?, at)),
            Event::StaffAccountRevoked { account, by, .. } => self.revoked.push((*account, written(by)?, at)),
            _ => {}
        }
        Ok(())
    }
}

pub(super) fn statements(fold: &StaffFold) -> [Statement<'_>; 2] {
    const ADD: &str = "INSERT INTO staff_accounts (staff, cell, scope, created_by, created_at) {rows}";
    const REVOKE: &str = "UPDATE staff_accounts SET revoked_by = new.revoked_by, revoked_at = new.revoked_at \
         FROM ({rows}) AS new WHERE staff_accounts.staff = new.staff";
    const COLUMNS: [&str; 5] = ["staff", "cell", "scope", "created_by", "created_at"];
    let created = fold.created.iter().map(|(staff, cell, scope, by, at)| {
        [
            (*staff).into(),
            cell.as_str().into(),
            scope.as_str().into(),
            by.as_str().into(),
            (*at).into(),
        ]
    });
    let revoked = fold
        .revoked
        .iter()
        .map(|(staff, by, at)| [(*staff).into(), by.as_str().into(), (*at).into()]);
    [
        Statement::new(ADD, &COLUMNS, created),
        Statement::new(REVOKE, &["staff", "revoked_by", "revoked_at"], revoked),
    ]
}

/// The accounts as the table has them.
pub(crate) async fn read_staff_accounts(tables: &Db) -> Result<StaffAccounts, OpenError> {
    type Row = (i64, String, String, String, i64, Option<String>, Option<i64>);
    const ALL: &str =
        "SELECT staff, cell, scope, created_by, created_at, revoked_by, revoked_at FROM staff_accounts";
    let rows: Vec<Row> = on!(tables, pool => sqlx::query_as(ALL).fetch_all(pool).await?);
    let by = |text: &str| serde_json::from_str::<By>(text).ok();
    let read = |(_, cell, scope, created_by, created_at, revoked_by, revoked_at): Row| {
        let revoked = match (revoked_by, revoked_at) {
            (Some(revoked_by), Some(at)) => Some(Revoked {
                by: by(&revoked_by)?,
                at: Moment::from_unix_ms(at),
            }),
            _ => None,
        };
        Some(StaffAccount {
            cell: cell.parse().ok()?,
            scope: scope.parse().ok()?,
            created_by: by(&created_by)?,
            created_at: Moment::from_unix_ms(created_at),
            revoked,
        })
    };
    let mut accounts = StaffAccounts::default();
    for row in rows {
        let id = StaffAccountId(row.0);
        let damaged = || OpenError::Damaged(format!("the row of {id} can't be read"));
        accounts.restore(id, read(row).ok_or_else(damaged)?);
    }
    Ok(accounts)
}

fn written(by: &By) -> Result<String, OpenError> {
    serde_json::to_string(by).map_err(|error| OpenError::Damaged(error.to_string()))
}
