//! What candidates wrote in their own words (R22): persons' data, so not in the journal.

use kaowei_core::ids::ClaimId;
use kaowei_core::time::Moment;

use crate::failure::Failure;
use crate::store::{Db, on};

const ADD: &str = "INSERT INTO remarks (claim, at, text) VALUES ($1, $2, $3)";

/// Keeps a remark about a claim.
pub(crate) async fn keep_remark(people: &Db, claim: ClaimId, at: Moment, text: &str) -> Result<(), Failure> {
    let claim = claim.to_string();
    let kept = on!(people, pool => {
        sqlx::query(ADD).bind(claim).bind(at.unix_ms()).bind(text).execute(pool).await.map(|_| ())
    });
    kept.map_err(|error| crate::people::unavailable(&error))
}
