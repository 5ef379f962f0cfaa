//! What a candidate chooses for after the exam: the form of score reports, quick print (R24, R31).

use kaowei_core::registration::{Choices, ScoreReportChoice};

use super::enrolments::{sitting, to_the_end};
use crate::Engine;
use crate::failure::Denied;
use crate::views::Account;

impl Engine {
    /// Chooses the forms of score reports; what is not named stays.
    ///
    /// # Errors
    /// Refusals of agreement, enrolment and window; `not_eligible` for what is no written subject.
    pub async fn choose_score_reports(
        &self,
        account: Account,
        choices: Vec<ScoreReportChoice>,
    ) -> Result<Choices, Denied> {
        let engine = self.clone();
        to_the_end(async move {
            let incarnation = engine.incarnation()?;
            let sitting = sitting(&incarnation)?;
            let entry = incarnation.candidate(account.candidate);
            let _turn = entry.take_turn().await;
            let now = incarnation.now();
            let chosen =
                entry.read(|candidate| candidate.choose_score_reports(entry.id, &choices, &sitting, now))?;
            incarnation.record(account.province, [chosen]).await?;
            Ok(entry.read(|candidate| candidate.choices().clone()))
        })
        .await
    }

    /// Switches quick print.
    ///
    /// # Errors
    /// Refusals of agreement, enrolment and window.
    pub async fn set_quick_print(&self, account: Account, enabled: bool) -> Result<Choices, Denied> {
        let engine = self.clone();
        to_the_end(async move {
            let incarnation = engine.incarnation()?;
            let sitting = sitting(&incarnation)?;
            let entry = incarnation.candidate(account.candidate);
            let _turn = entry.take_turn().await;
            let now = incarnation.now();
            let set = entry.read(|candidate| candidate.set_quick_print(entry.id, enabled, &sitting, now))?;
            incarnation.record(account.province, [set]).await?;
            Ok(entry.read(|candidate| candidate.choices().clone()))
        })
        .await
    }
}
