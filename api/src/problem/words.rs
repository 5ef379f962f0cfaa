//! What is said about one case, in both languages.

use std::borrow::Cow;

use super::Language;

/// A sentence about one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    zh: Cow<'static, str>,
    en: Cow<'static, str>,
}

impl Words {
    /// The sentence in that language.
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::Chinese => &self.zh,
            Language::English => &self.en,
        }
    }

    /// The same, beginning with the name of what it is about.
    #[must_use]
    pub fn about(&self, name: &str) -> Self {
        Self {
            zh: format!("{name}：{}", self.zh).into(),
            en: format!("{name}: {}", self.en).into(),
        }
    }
}

impl From<(&'static str, &'static str)> for Words {
    fn from((zh, en): (&'static str, &'static str)) -> Self {
        Self {
            zh: zh.into(),
            en: en.into(),
        }
    }
}

impl From<(String, String)> for Words {
    fn from((zh, en): (String, String)) -> Self {
        Self {
            zh: zh.into(),
            en: en.into(),
        }
    }
}
