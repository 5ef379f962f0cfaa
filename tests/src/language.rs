//! In which language a text is, told roughly: what is needed to notice a sentence in the wrong one.

use kaowei::problem::Language;

/// Whether a text is in that language. Chinese may have names and single words of English in it, such as
/// `held_until`, but never three words in a row; English has no Chinese letter at all.
pub fn is_in(text: &str, language: Language) -> bool {
    match language {
        Language::English => !text.chars().any(is_chinese),
        Language::Chinese => text.chars().any(is_chinese) && words_in_a_row(text) < 3,
    }
}

fn is_chinese(letter: char) -> bool {
    ('\u{3000}'..='\u{303f}').contains(&letter)
        || ('\u{4e00}'..='\u{9fff}').contains(&letter)
        || ('\u{ff00}'..='\u{ffef}').contains(&letter)
}

/// The longest run of words that stand beside each other with nothing but a space between them.
fn words_in_a_row(text: &str) -> usize {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let (mut run, mut longest) = (0, 0);
    for word in text.split(' ') {
        // A word that ends at a Chinese letter or a punctuation mark ends the run, but may be its last word.
        let bare = word.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
        run = if is_word(bare) { run + 1 } else { 0 };
        longest = longest.max(run);
        if bare.len() < word.len() {
            run = 0;
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_in_the_wrong_language_is_noticed() {
        for zh in [
            "请使用 Content-Type: application/json。",
            "只能是 true 或 false。",
            "可以提交候补（on_full: waitlist），或者选择其他校区。",
            "没有名为 coutn 的字段；可用的字段：count、name。",
        ] {
            assert!(is_in(zh, Language::Chinese), "{zh}");
            assert!(!is_in(zh, Language::English), "{zh}");
        }
        for en in [
            "It must be true or false.",
            "此项有误：it must be given",
            "There is no campus 999999: import campuses first.",
        ] {
            assert!(!is_in(en, Language::Chinese), "{en}");
        }
        assert!(is_in("It must be true or false.", Language::English));
    }
}
