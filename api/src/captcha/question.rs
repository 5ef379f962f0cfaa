//! A captcha in words: digits to be typed in figures. A screen reader reads it aloud.

use crate::problem::Language;

const CHINESE: [&str; 10] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
const ENGLISH: [&str; 10] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];

/// The question that has that code of digits as its answer.
pub fn question(code: &str, language: Language) -> String {
    let words = |names: [&'static str; 10], between: &str| {
        let digits = code.bytes().filter(u8::is_ascii_digit);
        let words = digits.map(|digit| names[usize::from(digit - b'0')]);
        words.collect::<Vec<_>>().join(between)
    };
    match language {
        Language::Chinese => format!("请用阿拉伯数字依次输入：{}。", words(CHINESE, "、")),
        Language::English => format!("Type in figures, in this order: {}.", words(ENGLISH, ", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_asked_for_in_words() {
        assert_eq!(
            question("8029", Language::Chinese),
            "请用阿拉伯数字依次输入：八、零、二、九。"
        );
        assert_eq!(
            question("8029", Language::English),
            "Type in figures, in this order: eight, zero, two, nine."
        );
    }
}
