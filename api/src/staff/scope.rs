//! Whether something lies inside the scope, asked before the body is looked at. The engine asks again when it acts.

use kaowei_core::ids::{CampusCode, PoolId};
use kaowei_core::sites::Scope;
use kaowei_engine::{PoolView, Staff};

use crate::problem::{Code, Problem};
use crate::state::App;

/// Only for those who see everything.
pub(super) fn national(staff: &Staff) -> Result<(), Problem> {
    if staff.scope == Scope::National {
        Ok(())
    } else {
        Err(Problem::new(Code::Forbidden))
    }
}

/// A pool below the scope.
pub(super) fn pool(app: &App, staff: &Staff, id: PoolId) -> Result<PoolView, Problem> {
    let pool = app.engine.pool(id)?;
    if staff.scope.covers(pool.facts.site) {
        Ok(pool)
    } else {
        Err(Problem::new(Code::Forbidden))
    }
}

/// A campus below the scope.
pub(super) fn campus(app: &App, staff: &Staff, code: CampusCode) -> Result<(), Problem> {
    let catalogue = app.engine.catalogue()?;
    match catalogue.tree.campus(code) {
        None => Err(Problem::new(Code::NotFound)),
        Some(campus) if staff.scope.covers(campus.site()) => Ok(()),
        Some(_) => Err(Problem::new(Code::Forbidden)),
    }
}
