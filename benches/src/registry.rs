//! What is measured, and what is compared with what.
//!
//! Promises: each subject runs once a round however many rows name it, all rounds run all subjects in turn, and a
//! subject that fails or is skipped takes nothing else with it.

use std::fmt;
use std::rc::Rc;

use crate::measure::{Budget, Measured, median};

type Measure = dyn Fn(&Budget) -> anyhow::Result<Measured>;

/// One thing that has a rate, ours or a baseline. Clones are the same subject.
#[derive(Clone)]
pub struct Subject(Rc<(String, Box<Measure>)>);

/// A line of the table, or several: one goal of ours and what it is compared with.
#[derive(Debug)]
pub struct Row {
    /// The goal's number in the performance document, for example "P2".
    pub goal: &'static str,
    /// What is measured, in a few words.
    pub what: String,
    /// `None` for baselines that are measured for their own sake.
    pub ours: Option<Subject>,
    /// The rate that ours should reach.
    pub per_second_min: Option<f64>,
    /// What ours is compared with.
    pub against: Vec<Comparison>,
}

/// A baseline, and how many times its rate ours should reach.
#[derive(Debug)]
pub struct Comparison {
    /// Measured in the same rounds as ours.
    pub baseline: Subject,
    /// `None` when it is shown without a goal.
    pub ratio_min: Option<f64>,
}

/// What the rounds gave for one subject: a figure each, or why there is none.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Answers a second, by round.
    PerSecond(Vec<f64>),
    /// This machine lacks something.
    Skipped(String),
    /// It went wrong.
    Failed(String),
}

/// All subjects of some rows with their outcomes.
#[derive(Debug)]
pub struct Outcomes(Vec<(Subject, Outcome)>);

impl Subject {
    /// `measure` sets everything up anew and leaves nothing running.
    pub fn new(
        name: impl Into<String>,
        measure: impl Fn(&Budget) -> anyhow::Result<Measured> + 'static,
    ) -> Self {
        Self(Rc::new((name.into(), Box::new(measure))))
    }

    /// As it is called in the table.
    pub fn name(&self) -> &str {
        &self.0.0
    }

    fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Subject").field(&self.name()).finish()
    }
}

impl Row {
    /// A row of ours.
    pub fn ours(goal: &'static str, what: impl Into<String>, ours: &Subject) -> Self {
        Self {
            goal,
            what: what.into(),
            ours: Some(ours.clone()),
            per_second_min: None,
            against: Vec::new(),
        }
    }

    /// A row of baselines alone.
    pub fn baselines<'a>(
        goal: &'static str,
        what: impl Into<String>,
        them: impl IntoIterator<Item = &'a Subject>,
    ) -> Self {
        let against = them
            .into_iter()
            .map(|them| Comparison {
                baseline: them.clone(),
                ratio_min: None,
            })
            .collect();
        Self {
            goal,
            what: what.into(),
            ours: None,
            per_second_min: None,
            against,
        }
    }

    /// Sets the rate that ours should reach.
    #[must_use]
    pub fn at_least(mut self, per_second: f64) -> Self {
        self.per_second_min = Some(per_second);
        self
    }

    /// Compares with `baseline`, of whose rate ours should reach `ratio` times.
    #[must_use]
    pub fn times(mut self, ratio: f64, baseline: &Subject) -> Self {
        self.against.push(Comparison {
            baseline: baseline.clone(),
            ratio_min: Some(ratio),
        });
        self
    }

    /// Shows `baseline` beside ours, without a goal.
    #[must_use]
    pub fn beside(mut self, baseline: &Subject) -> Self {
        self.against.push(Comparison {
            baseline: baseline.clone(),
            ratio_min: None,
        });
        self
    }

    fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.ours
            .iter()
            .chain(self.against.iter().map(|comparison| &comparison.baseline))
    }
}

impl Outcomes {
    /// Measures every subject of `rows` once a round, in turn, and tells `progress` each figure as it comes.
    pub fn of(rows: &[Row], rounds: usize, budget: &Budget, mut progress: impl FnMut(String)) -> Self {
        let mut outcomes: Vec<(Subject, Outcome)> = Vec::new();
        for subject in rows.iter().flat_map(Row::subjects) {
            if !outcomes.iter().any(|(known, _)| known.is(subject)) {
                outcomes.push((subject.clone(), Outcome::PerSecond(Vec::new())));
            }
        }
        for round in 1..=rounds {
            for (subject, outcome) in &mut outcomes {
                let Outcome::PerSecond(figures) = outcome else {
                    continue;
                };
                let told = match (subject.0.1)(budget) {
                    Ok(Measured::PerSecond(figure)) => {
                        figures.push(figure);
                        format!("{figure:.0}/s")
                    }
                    Ok(Measured::Skipped(reason)) => {
                        let told = format!("skipped: {reason}");
                        *outcome = Outcome::Skipped(reason);
                        told
                    }
                    Err(error) => {
                        let told = format!("failed: {error:#}");
                        *outcome = Outcome::Failed(format!("{error:#}"));
                        told
                    }
                };
                progress(format!("round {round} of {rounds}: {}: {told}", subject.name()));
            }
        }
        Self(outcomes)
    }

    /// All subjects, in the order in which they ran.
    pub fn iter(&self) -> impl Iterator<Item = (&Subject, &Outcome)> {
        self.0.iter().map(|(subject, outcome)| (subject, outcome))
    }

    /// The median of a subject's figures.
    pub fn rate(&self, subject: &Subject) -> Option<f64> {
        median(self.figures(subject))
    }

    /// The median of the rounds' ratios: what disturbed a whole round does not move it.
    pub fn ratio(&self, ours: &Subject, baseline: &Subject) -> Option<f64> {
        let pairs = self.figures(ours).iter().zip(self.figures(baseline));
        let ratios: Vec<f64> = pairs.map(|(ours, baseline)| ours / baseline).collect();
        median(&ratios)
    }

    /// True when something went wrong (a baseline that was skipped is no failure).
    pub fn any_failed(&self) -> bool {
        self.0
            .iter()
            .any(|(_, outcome)| matches!(outcome, Outcome::Failed(_)))
    }

    fn figures(&self, subject: &Subject) -> &[f64] {
        let found = self.0.iter().find(|(known, _)| known.is(subject));
        match found {
            Some((_, Outcome::PerSecond(figures))) => figures,
            Some((_, Outcome::Skipped(_) | Outcome::Failed(_))) | None => &[],
        }
    }
}
