//! Which of the two languages an answer is in: `Accept-Language`, Chinese unless English is preferred.

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// A language of answers and pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// zh-CN, the default.
    #[default]
    Chinese,
    /// en
    English,
}

impl Language {
    /// What the client prefers. Anything that can't be read means Chinese.
    pub fn of(headers: &HeaderMap) -> Self {
        headers
            .get(ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .map_or(Self::Chinese, Self::preferred)
    }

    fn preferred(header: &str) -> Self {
        let (mut chinese, mut english) = (-1.0_f32, -1.0_f32);
        for item in header.split(',').take(32) {
            let mut parts = item.split(';').map(str::trim);
            let tag = parts.next().unwrap_or("");
            let weight = parts
                .find_map(|part| part.strip_prefix("q="))
                .map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
            let primary = tag.split('-').next().unwrap_or("");
            if primary.eq_ignore_ascii_case("zh") {
                chinese = chinese.max(weight);
            } else if primary.eq_ignore_ascii_case("en") {
                english = english.max(weight);
            }
        }
        if english > 0.0 && english > chinese {
            Self::English
        } else {
            Self::Chinese
        }
    }

    /// As `Content-Language` writes it.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn chinese_unless_english_is_preferred() {
        for (header, expected) in [
            ("", Language::Chinese),
            ("de, fr;q=0.5", Language::Chinese),
            ("en", Language::English),
            ("en-GB,en;q=0.9", Language::English),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("zh;q=0.3, en;q=0.8", Language::English),
            ("en;q=0", Language::Chinese),
            ("en;q=nonsense", Language::Chinese),
        ] {
            assert_eq!(Language::preferred(header), expected, "{header}");
        }
    }
}
