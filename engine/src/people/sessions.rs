//! Sessions that were logged out of. Only these are kept, and only until their tokens would have ended anyway: a
//! session that goes on needs no row.

use kaowei_core::time::Moment;

use super::unavailable;
use crate::failure::Failure;
use crate::store::{Db, on};

const END: &str =
    "INSERT INTO ended_sessions (session, ends_at) VALUES ($1, $2) ON CONFLICT (session) DO NOTHING";
const FORGET: &str = "DELETE FROM ended_sessions WHERE ends_at <= $1";
const FIND: &str = "SELECT ends_at FROM ended_sessions WHERE session = $1";

/// Ends a session whose token would end at that instant.
pub(crate) async fn end_session(
    people: &Db,
    session: &str,
    ends_at: Moment,
    now: Moment,
) -> Result<(), Failure> {
    let ended = on!(people, pool => {
        match sqlx::query(FORGET).bind(now.unix_ms()).execute(pool).await {
            Ok(_) => sqlx::query(END).bind(session).bind(ends_at.unix_ms()).execute(pool).await.map(|_| ()),
            Err(error) => Err(error),
        }
    });
    ended.map_err(|error| unavailable(&error))
}

/// Whether a session was logged out of.
pub(crate) async fn has_session_ended(people: &Db, session: &str) -> Result<bool, Failure> {
    let found: Option<(i64,)> = on!(people, pool => {
        sqlx::query_as(FIND).bind(session).fetch_optional(pool).await
    })
    .map_err(|error| unavailable(&error))?;
    Ok(found.is_some())
}
