//! The catalogue of subjects (1.2 of the domain), as data that goes into `sitting.json`.

/// Written or oral.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Paper {
    /// 笔试
    Written,
    /// 口试
    Oral,
}

/// What is sat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its code.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Written or oral.
    pub paper: Paper,
    /// Four or six.
    pub level: u8,
    /// Its language.
    pub language: &'static str,
    /// The written subject that an oral one needs.
    pub requires: Option<&'static str>,
    /// Its fee in fen.
    pub fee_fen: u32,
}

impl Paper {
    /// Its word in the contract.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Oral => "oral",
        }
    }
}

const fn written(code: &'static str, name: &'static str, level: u8, language: &'static str) -> Subject {
    let (paper, requires, fee_fen) = (Paper::Written, None, 3000);
    Subject {
        code,
        name,
        paper,
        level,
        language,
        requires,
        fee_fen,
    }
}

const fn oral(code: &'static str, name: &'static str, level: u8, requires: &'static str) -> Subject {
    let (paper, language, fee_fen) = (Paper::Oral, "en", 5000);
    Subject {
        code,
        name,
        paper,
        level,
        language,
        requires: Some(requires),
        fee_fen,
    }
}

/// CET4, by place in [`SUBJECTS`].
pub(super) const CET4: u8 = 0;
/// CET6.
pub(super) const CET6: u8 = 1;
/// The oral test of level four.
pub(super) const ORAL4: u8 = 9;
/// The oral test of level six.
pub(super) const ORAL6: u8 = 10;
/// The written tests in other languages.
pub(super) const OTHER_LANGUAGES: std::ops::Range<u8> = 2..9;

/// All subjects: first English, then the other languages, then the oral tests.
pub const SUBJECTS: [Subject; 11] = [
    written("1", "英语四级笔试", 4, "en"),
    written("2", "英语六级笔试", 6, "en"),
    written("3", "日语四级笔试", 4, "ja"),
    written("4", "日语六级笔试", 6, "ja"),
    written("5", "德语四级笔试", 4, "de"),
    written("6", "德语六级笔试", 6, "de"),
    written("7", "俄语四级笔试", 4, "ru"),
    written("8", "俄语六级笔试", 6, "ru"),
    written("9", "法语四级笔试", 4, "fr"),
    oral("F", "英语四级口试", 4, "1"),
    oral("S", "英语六级口试", 6, "2"),
];
