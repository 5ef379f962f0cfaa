//! The subjects of a sitting (1.2): data, not code; a sitting may add others.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::SubjectCode;

/// The two kinds of exam, each with its own window, order and payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paper {
    /// 笔试
    Written,
    /// 口试
    Oral,
}

impl Paper {
    /// As the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Oral => "oral",
        }
    }
}

impl fmt::Display for Paper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// 四 or 六; a sitting's catalogue may add others. A candidate has one claim for each paper and level (R12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Level(pub u8);

/// One subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Its code, such as `1`.
    pub code: SubjectCode,
    /// Its name, such as 英语四级笔试.
    pub name: String,
    /// Written or oral.
    pub paper: Paper,
    /// Its language as a BCP 47 tag, such as `en`.
    pub language: String,
    /// Its level.
    pub level: Level,
    /// The written subject that a claim for this one needs (R13).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires: Option<SubjectCode>,
}
