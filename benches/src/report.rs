//! The one table: ours, baseline, ratio, goal.
//!
//! Promises: a line for each comparison; a goal that is missed says so; what was skipped or failed is named with its
//! reason below the table, never left out.

use crate::measure;
use crate::registry::{Comparison, Outcome, Outcomes, Row, Subject};

const HEADINGS: [&str; 6] = ["", "what", "ours /s", "baseline", "baseline /s", "ratio: goal"];
const NONE: &str = "–";

/// The table of `rows`, for a terminal.
pub fn table(rows: &[Row], outcomes: &Outcomes) -> String {
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    for row in rows {
        lines.extend(lines_of(row, outcomes));
    }
    let mut widths = [0; HEADINGS.len()];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let rule = "-".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1));
    let mut printed: Vec<String> = lines.iter().map(|line| laid_out(line, widths)).collect();
    printed.insert(1, rule);
    printed.extend(notes(outcomes));
    printed.join("\n") + "\n"
}

fn lines_of(row: &Row, outcomes: &Outcomes) -> Vec<[String; 6]> {
    let ours = row
        .ours
        .as_ref()
        .map_or_else(|| NONE.to_owned(), |ours| rate(ours, outcomes));
    let mut lines = Vec::new();
    if row.per_second_min.is_some() || row.against.is_empty() {
        let reached = row.ours.as_ref().and_then(|ours| outcomes.rate(ours));
        let goal = row
            .per_second_min
            .map(|goal| (format!("≥ {}/s", grouped(goal)), goal));
        lines.push([
            String::new(),
            String::new(),
            ours.clone(),
            NONE.into(),
            NONE.into(),
            verdict(reached, goal),
        ]);
    }
    for Comparison { baseline, ratio_min } in &row.against {
        let ratio = row.ours.as_ref().and_then(|ours| outcomes.ratio(ours, baseline));
        let goal = ratio_min.map(|goal| (format!("≥ {goal} ×"), goal));
        let told = match (ratio, goal) {
            (None, None) => NONE.to_owned(),
            (Some(ratio), None) => format!("{ratio:.2} ×"),
            (ratio, goal @ Some(_)) => {
                let shown = ratio.map_or_else(|| NONE.to_owned(), |ratio| format!("{ratio:.2} ×"));
                format!("{shown}: {}", verdict(ratio, goal))
            }
        };
        let baseline_rate = rate(baseline, outcomes);
        lines.push([
            String::new(),
            String::new(),
            ours.clone(),
            baseline.name().to_owned(),
            baseline_rate,
            told,
        ]);
    }
    // A row's name stands once.
    if let Some(first) = lines.first_mut() {
        row.goal.clone_into(&mut first[0]);
        row.what.clone_into(&mut first[1]);
    }
    lines
}

fn verdict(reached: Option<f64>, goal: Option<(String, f64)>) -> String {
    match (reached, goal) {
        (_, None) => NONE.to_owned(),
        (None, Some((told, _))) => told,
        (Some(reached), Some((told, goal))) if reached >= goal => format!("{told} reached"),
        (Some(_), Some((told, _))) => format!("{told} MISSED"),
    }
}

fn rate(subject: &Subject, outcomes: &Outcomes) -> String {
    outcomes.rate(subject).map_or_else(|| NONE.to_owned(), grouped)
}

/// What has no figure with its reason, and how far the figures of each subject lie apart.
fn notes(outcomes: &Outcomes) -> Vec<String> {
    let mut notes = vec![String::new()];
    for (subject, outcome) in outcomes.iter() {
        let name = subject.name();
        match outcome {
            Outcome::Skipped(reason) => notes.push(format!("skipped  {name}: {reason}")),
            Outcome::Failed(reason) => notes.push(format!("FAILED   {name}: {reason}")),
            Outcome::PerSecond(figures) => {
                let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
                let most = figures.iter().copied().fold(0.0, f64::max);
                // A wide spread says that the machine was not quiet.
                if measure::median(figures).is_some_and(|middle| most - least > 0.25 * middle) {
                    notes.push(format!(
                        "unsteady {name}: {} to {}/s",
                        grouped(least),
                        grouped(most)
                    ));
                }
            }
        }
    }
    notes
}

fn laid_out(line: &[String; 6], widths: [usize; 6]) -> String {
    let cell = |column: usize, right: bool| {
        let padding = " ".repeat(widths[column] - line[column].chars().count());
        if right {
            format!("{padding}{}", line[column])
        } else {
            format!("{}{padding}", line[column])
        }
    };
    let cells = [
        cell(0, false),
        cell(1, false),
        cell(2, true),
        cell(3, false),
        cell(4, true),
        cell(5, false),
    ];
    cells.join("  ").trim_end().to_owned()
}

/// 1234567 as "1,234,567".
fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Budget, Measured};

    fn steady(name: &str, per_second: f64) -> Subject {
        Subject::new(name, move |_: &Budget| Ok(Measured::PerSecond(per_second)))
    }

    #[test]
    fn the_table_tells_what_was_reached_missed_skipped_and_failed() {
        let ours = steady("ours", 120_000.0);
        let slow = steady("row lock", 1_000.0);
        let fast = steady("hello", 1_200_000.0);
        let absent = Subject::new("Redis", |_: &Budget| Ok(Measured::Skipped("not here".into())));
        let broken = Subject::new("broken", |_: &Budget| anyhow::bail!("no disk"));
        let rows = [
            Row::ours("P2", "engine", &ours)
                .at_least(100_000.0)
                .times(50.0, &slow)
                .times(0.5, &fast),
            Row::ours("P3", "HTTP", &ours)
                .at_least(150_000.0)
                .times(3.0, &absent)
                .beside(&slow),
            Row::baselines("P2", "alone", [&slow, &broken]),
        ];
        let mut told = 0;
        let outcomes = Outcomes::of(&rows, 3, &Budget::QUICK, |_| told += 1);
        assert_eq!(
            told,
            3 * 3 + 2,
            "each subject once a round, one without a figure only once"
        );
        let expected = "    what    ours /s  baseline  baseline /s  ratio: goal
--------------------------------------------------------------------
P2  engine  120,000  –                   –  ≥ 100,000/s reached
            120,000  row lock        1,000  120.00 ×: ≥ 50 × reached
            120,000  hello       1,200,000  0.10 ×: ≥ 0.5 × MISSED
P3  HTTP    120,000  –                   –  ≥ 150,000/s MISSED
            120,000  Redis               –  –: ≥ 3 ×
            120,000  row lock        1,000  120.00 ×
P2  alone         –  row lock        1,000  –
                  –  broken              –  –

skipped  Redis: not here
FAILED   broken: no disk
";
        assert_eq!(table(&rows, &outcomes), expected);
        assert!(outcomes.any_failed());
    }
}
