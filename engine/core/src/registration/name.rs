//! How names compare (R3): after Unicode NFC and removal of spaces and middle dots, so that rare characters and
//! the dots of minority and foreign names, written differently by schools and candidates, still match.

use unicode_normalization::UnicodeNormalization;

/// Whether two names are the same person's.
pub fn same_name(one: &str, other: &str) -> bool {
    letters(one).eq(letters(other))
}

fn letters(name: &str) -> impl Iterator<Item = char> + '_ {
    name.nfc()
        .filter(|letter| !letter.is_whitespace() && !is_middle_dot(*letter))
}

fn is_middle_dot(letter: char) -> bool {
    matches!(
        letter,
        '\u{B7}' | '\u{2022}' | '\u{2027}' | '\u{22C5}' | '\u{30FB}' | '\u{FF65}' | '\u{2E31}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r3_names_compare_without_spaces_and_middle_dots_and_after_nfc() {
        assert!(same_name("买买提·艾力", "买买提艾力"));
        assert!(same_name("买买提・艾力", "买买提 ·艾力"));
        assert!(same_name("Jose\u{301} Li", "José Li"));
        assert!(same_name("张　三", "张三"));
        assert!(!same_name("张三", "张三丰"));
    }
}
