//! What a candidate chooses for after the exam: the form of the score report, and who prints the ticket (R24, R31).

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::ids::SubjectCode;

/// 成绩报告单: of small languages, the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreReport {
    /// 纸质和电子
    PaperAndElectronic,
    /// 电子
    Electronic,
}

/// The form of the score report of one written subject; the oral one of its level follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ScoreReportChoice {
    /// The written subject.
    pub subject: SubjectCode,
    /// The form.
    pub choice: ScoreReport,
}

/// All that was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Choices {
    /// The score reports, the latest choice a subject, in the order of subjects.
    pub score_reports: SmallVec<[ScoreReportChoice; 2]>,
    /// 快速打印
    pub quick_print: bool,
}

impl Default for Choices {
    /// Nothing chosen, and quick print on, as the flow shows it (S13).
    fn default() -> Self {
        Self {
            score_reports: SmallVec::new(),
            quick_print: true,
        }
    }
}

impl ScoreReport {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::PaperAndElectronic, Self::Electronic];

    /// Reads it from its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.as_str() == name)
    }

    /// As the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PaperAndElectronic => "paper_and_electronic",
            Self::Electronic => "electronic",
        }
    }
}

impl Choices {
    /// The choice made on a written subject.
    pub fn score_report(&self, written: SubjectCode) -> Option<ScoreReport> {
        let mut choices = self.score_reports.iter();
        choices
            .find(|choice| choice.subject == written)
            .map(|choice| choice.choice)
    }

    pub(super) fn choose(&mut self, chosen: ScoreReportChoice) {
        self.score_reports
            .retain(|choice| choice.subject != chosen.subject);
        self.score_reports.push(chosen);
        self.score_reports.sort_by_key(|choice| choice.subject);
    }
}
