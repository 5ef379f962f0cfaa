//! What serde says of a value that does not fit, in both languages. Its errors are texts of a few known forms: those
//! are said in Chinese too, and without the names of Rust's types; of any other, English keeps the exact text and
//! Chinese says where to look.

use crate::problem::Words;

/// What is wrong with a value, by serde's message.
pub(super) fn words(message: &str) -> Words {
    if let Some(words) = expected(message) {
        return words;
    }
    let zh = in_chinese(message)
        .unwrap_or_else(|| "此项的类型、格式或取值不正确，请对照 /docs 中的接口说明。".into());
    (zh, format!("{message}.")).into()
}

/// The field that serde's message names as missing: its path ends at the object around it.
pub(super) fn missing_field(message: &str) -> Option<&str> {
    quoted(message.strip_prefix("missing field ")?)
}

fn in_chinese(message: &str) -> Option<String> {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let known = names(rest)?.join("、");
        return Some(match known.as_str() {
            "" => format!("没有名为 {} 的字段。", quoted(rest)?),
            _ => format!("没有名为 {} 的字段；可用的字段：{known}。", quoted(rest)?),
        });
    }
    if let Some(rest) = message.strip_prefix("duplicate field ") {
        return Some(format!("字段 {} 出现了两次。", quoted(rest)?));
    }
    None
}

/// What would have fitted, where serde names it.
fn expected(message: &str) -> Option<Words> {
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        let known = names(rest)?;
        let en = format!("It must be one of {}.", known.join(", "));
        return Some((format!("只能是 {} 之一。", known.join("、")), en).into());
    }
    let given = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))?;
    let (_, expected) = given.rsplit_once(", expected ")?;
    let range = |min: i64, max: i64| {
        let en = format!("It must be a whole number from {min} to {max}.");
        Some((format!("须为 {min} 至 {max} 的整数。"), en).into())
    };
    match expected {
        "u8" => range(0, u8::MAX.into()),
        "u32" => range(0, u32::MAX.into()),
        "i32" => range(i32::MIN.into(), i32::MAX.into()),
        "a string" => Some(("须为文本。", "It must be a text.").into()),
        "a boolean" => Some(("须为 true 或 false。", "It must be true or false.").into()),
        "a sequence" => Some(("须为数组。", "It must be an array.").into()),
        _ if expected.starts_with("struct ") => {
            Some(("须为 JSON 对象。", "It must be a JSON object.").into())
        }
        _ => None,
    }
}

/// The first name in backticks.
fn quoted(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

/// The names in backticks after the first, of what would have been known.
fn names(text: &str) -> Option<Vec<&str>> {
    let (_, expected) = text.split_once("`, ")?;
    Some(expected.split('`').skip(1).step_by(2).collect())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::problem::Language;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read into")]
    struct Body {
        count: Option<u32>,
        small: Option<u8>,
        version: Option<i32>,
        name: Option<String>,
        open: Option<bool>,
        list: Option<Vec<u32>>,
        one: Option<Choice>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Choice {
        Reject,
        Waitlist,
    }

    #[test]
    fn the_known_forms_of_serde_s_messages_are_said_in_both_languages() {
        for (body, zh, en) in [
            (
                r#"{"coutn":1}"#,
                "没有名为 coutn 的字段；可用的字段：count、small、version、name、open、list、one。",
                "unknown field `coutn`, expected one of `count`, `small`, `version`, `name`, `open`, `list`, `one`.",
            ),
            (
                r#"{"one":"maybe"}"#,
                "只能是 reject、waitlist 之一。",
                "It must be one of reject, waitlist.",
            ),
            (
                r#"{"open":true,"open":true}"#,
                "字段 open 出现了两次。",
                "duplicate field `open`.",
            ),
            (
                r#"{"count":-1}"#,
                "须为 0 至 4294967295 的整数。",
                "It must be a whole number from 0 to 4294967295.",
            ),
            (
                r#"{"count":0.5}"#,
                "须为 0 至 4294967295 的整数。",
                "It must be a whole number from 0 to 4294967295.",
            ),
            (
                r#"{"small":300}"#,
                "须为 0 至 255 的整数。",
                "It must be a whole number from 0 to 255.",
            ),
            (
                r#"{"version":"1"}"#,
                "须为 -2147483648 至 2147483647 的整数。",
                "It must be a whole number from -2147483648 to 2147483647.",
            ),
            (r#"{"name":7}"#, "须为文本。", "It must be a text."),
            (
                r#"{"open":"yes"}"#,
                "须为 true 或 false。",
                "It must be true or false.",
            ),
            (r#"{"list":{}}"#, "须为数组。", "It must be an array."),
            (r#""text""#, "须为 JSON 对象。", "It must be a JSON object."),
            (
                r#"{"one":[]}"#,
                "此项的类型、格式或取值不正确，请对照 /docs 中的接口说明。",
                "expected value.",
            ),
        ] {
            let error = serde_json::from_str::<Body>(body).unwrap_err().to_string();
            let message = error.split(" at line ").next().unwrap();
            let words = words(message);
            assert_eq!(words.in_language(Language::Chinese), zh, "{message}");
            assert_eq!(words.in_language(Language::English), en, "{message}");
        }
    }
}
