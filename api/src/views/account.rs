//! The own account, with what identifies a person masked.

use kaowei_engine::AccountDetails;
use serde::Serialize;
use utoipa::ToSchema;

use super::Instant;

/// The own account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Account {
    /// The province's code.
    #[schema(example = "99")]
    pub province: String,
    /// The kind of ID document.
    #[schema(example = "resident_id")]
    pub id_type: String,
    /// Its number, masked.
    #[schema(example = "990***********1238")]
    pub id_number: String,
    /// The name.
    pub name: String,
    /// The phone number, masked.
    #[schema(example = "170****0001")]
    pub phone: String,
    /// When the account was made.
    pub created_at: Instant,
}

impl From<&AccountDetails> for Account {
    fn from(details: &AccountDetails) -> Self {
        Self {
            province: details.province.to_string(),
            id_type: details.person.id_type.to_string(),
            id_number: mask(&details.person.id_number),
            name: details.person.name.clone(),
            phone: mask(&details.person.phone),
            created_at: details.created_at.into(),
        }
    }
}

/// A number with its middle hidden: its owner recognises it, nobody else learns it.
pub fn mask(number: &str) -> String {
    let letters: Vec<char> = number.chars().collect();
    let shown = match letters.len() {
        0..=3 => 0,
        4..=7 => 1,
        8..=10 => 2,
        _ => 3,
    };
    let shown_at_end = if shown == 3 { 4 } else { shown };
    let hidden = shown..letters.len().saturating_sub(shown_at_end);
    letters
        .iter()
        .enumerate()
        .map(|(n, letter)| if hidden.contains(&n) { '*' } else { *letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::mask;

    #[test]
    fn the_middle_of_a_number_is_hidden() {
        for (number, masked) in [
            ("990101200001011238", "990***********1238"),
            ("17000000001", "170****0001"),
            ("E12345678", "E1*****78"),
            ("A123", "A**3"),
            ("12", "**"),
            ("", ""),
        ] {
            assert_eq!(mask(number), masked);
        }
    }
}
