//! The judgement: every check in turn over one history and one set of exports.

use super::exports::{CheckError, Exports};
use super::replay::Trail;
use super::verdict::Verdict;
use super::{active, answers, money, order, stored};
use crate::history::History;

/// Proves, or refutes with evidence, that the server kept its promises to the candidates of this history.
///
/// An empty history is judged too: then only what the exports alone can show is proved. The exports must have been
/// taken while nothing changed, the history must hold every request that was sent.
pub fn check(history: &History, exports: &Exports) -> Result<Verdict, CheckError> {
    let mut verdict = Verdict::new();
    let mut trail = Trail::replay(exports, &mut verdict)?;
    trail.check_idle_seats(&mut verdict);
    stored::check_numbers(&trail, exports, &mut verdict);
    stored::check_claims(&trail, exports, &mut verdict)?;
    active::check(&mut trail, &exports.pools, &mut verdict);
    money::check(&trail, exports, &mut verdict)?;

    let streams = answers::streams_of(history, &trail);
    answers::check_acknowledged(history, &trail, &streams, &mut verdict);
    answers::check_repeats(history, &mut verdict);
    answers::check_refusals(history, &trail, &streams, &mut verdict);
    order::check(history, &mut verdict);
    Ok(verdict)
}
