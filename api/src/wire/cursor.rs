//! Pages of lists: `limit` (at most 1,000) and an opaque `cursor`, which is the last id of the page before.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;

use super::Params;
use crate::problem::Problem;

/// The longest page.
pub const LIST_MAX: usize = 1_000;

/// Which page is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<Id> {
    /// What comes after this one.
    pub after: Option<Id>,
    /// At most so many.
    pub limit: usize,
}

impl<Id: std::str::FromStr> Page<Id> {
    /// The page that the parameters `cursor` and `limit` ask for.
    ///
    /// # Errors
    /// 400 for a limit that is no number or a cursor that this server did not give out, 422 for one out of range.
    pub fn of(params: &Params) -> Result<Self, Problem> {
        let limit = params.parse::<usize>("limit")?.unwrap_or(LIST_MAX);
        if limit == 0 || limit > LIST_MAX {
            return Err(Problem::wrong_parameter(
                StatusCode::UNPROCESSABLE_ENTITY,
                "limit",
                ("limit 须为 1 至 1000。", "limit must be 1 to 1000."),
            ));
        }
        let after = match params.get("cursor") {
            None => None,
            Some(text) => Some(read(text).ok_or_else(|| {
                let problem = (
                    "cursor 须为前一页的 next_cursor。",
                    "cursor must be the next_cursor of an earlier page.",
                );
                Problem::wrong_parameter(StatusCode::BAD_REQUEST, "cursor", problem)
            })?),
        };
        Ok(Self { after, limit })
    }
}

fn read<Id: std::str::FromStr>(cursor: &str) -> Option<Id> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    std::str::from_utf8(&bytes).ok()?.parse().ok()
}

/// Cuts a page off a sorted list: its items, and the cursor of the next.
pub fn page_of<T, Id: Ord + ToString>(
    items: &[T],
    page: &Page<Id>,
    id: impl Fn(&T) -> Id,
) -> (std::ops::Range<usize>, Option<String>) {
    let from = match &page.after {
        None => 0,
        Some(after) => items.partition_point(|item| id(item) <= *after),
    };
    let to = from.saturating_add(page.limit).min(items.len());
    let next = (to < items.len() && to > from).then(|| cursor_after(&id(&items[to - 1])));
    (from..to, next)
}

/// The cursor of the page after that id.
pub fn cursor_after(id: &impl ToString) -> String {
    URL_SAFE_NO_PAD.encode(id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_repeat() {
        let items: Vec<u32> = (1..=10).collect();
        let mut seen = Vec::new();
        let mut page = Page {
            after: None,
            limit: 4,
        };
        loop {
            let (range, next) = page_of(&items, &page, |item| *item);
            seen.extend_from_slice(&items[range]);
            let Some(next) = next else { break };
            page.after = read(&next);
        }
        assert_eq!(seen, items);
    }
}
