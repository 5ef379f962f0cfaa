//! The page.

use std::fmt::Write as _;

use super::chart::{Chart, Scale, Series, number};
use super::style::STYLE;
use super::{RunReport, Second, Summary};
use crate::check::Finding;
use crate::history::{Code, Operation};

/// The whole page as one file.
pub fn page(report: &RunReport) -> String {
    let mut out = String::with_capacity(64 * 1024);
    let title = escape(&report.title);
    let _ = write!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>{title}</title><style>{STYLE}</style></head><body><main>"
    );
    head(&mut out, report);
    tiles(&mut out, report);
    verdicts(&mut out, report);
    storm(&mut out, report);
    rate(&mut out, &report.summary);
    latency(&mut out, &report.summary);
    percentiles(&mut out, &report.summary);
    codes(&mut out, &report.summary);
    setting(&mut out, report);
    out + "</main></body></html>\n"
}

fn head(out: &mut String, report: &RunReport) {
    let _ = write!(
        out,
        "<h1>{}</h1><p class=\"soft\">{} · {} · {}</p>",
        escape(&report.title),
        escape(&report.scenario),
        escape(&report.started_at),
        report
            .told
            .iter()
            .map(|it| escape(it))
            .collect::<Vec<_>>()
            .join(" · ")
    );
    let violations: u64 = report
        .verdict
        .findings
        .iter()
        .map(|finding| finding.violations)
        .sum();
    let (class, sign, text) = if report.verdict.holds() {
        (
            "good",
            "✓",
            "Proved: nothing was oversold, nobody jumped the queue, no answer was lost".to_owned(),
        )
    } else {
        (
            "bad",
            "✗",
            format!("{violations} violations of what was promised; the evidence is below"),
        )
    };
    let _ = write!(
        out,
        "<div class=\"verdict {class}\" role=\"status\"><span>{sign}</span><span>{text}</span></div>"
    );
    if report.interrupted {
        out.push_str("<p class=\"fail\">The run was ended early by its user.</p>");
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts shown to people")]
fn tiles(out: &mut String, report: &RunReport) {
    let (summary, world) = (&report.summary, &report.world);
    let claims = summary.operation(Operation::Claim).map(|it| &it.latency);
    let latency =
        |of: fn(&super::Percentiles) -> f64| claims.map_or_else(|| "–".into(), |it| milliseconds(of(it)));
    let tiles = [
        (number(world.enrolled as f64), "candidates enrolled"),
        (number(world.pools as f64), "pools"),
        (number(summary.load_requests as f64), "requests under load"),
        (
            number(summary.peak_per_second as f64),
            "answers in the best second",
        ),
        (
            number(summary.peak_claims_per_second as f64),
            "claims in the best second",
        ),
        (latency(|it| it.p50_ms), "a claim's median"),
        (latency(|it| it.p99_ms), "a claim's 99th percentile"),
        (latency(|it| it.p999_ms), "a claim's 99.9th percentile"),
    ];
    out.push_str("<div class=\"tiles\">");
    for (value, name) in tiles {
        let _ = write!(out, "<div class=\"tile\"><b>{value}</b><span>{name}</span></div>");
    }
    out.push_str("</div>");
}

fn storm(out: &mut String, report: &RunReport) {
    let Some(logins) = &report.logins else { return };
    out.push_str("<h2>The storm of logins</h2><ul>");
    for sentence in logins.sentences() {
        let _ = write!(out, "<li>{}</li>", escape(&sentence));
    }
    out.push_str("</ul>");
}

fn verdicts(out: &mut String, report: &RunReport) {
    out.push_str(
        "<h2>What was proved</h2><p class=\"soft\">The server's audit trail was replayed from its first record, its \
         hashes computed anew; its tables, its numbers and every answer that a client heard were held against it.</p>\
         <table><tr><th class=\"left\">check</th><th>examined</th><th>violations</th></tr>",
    );
    for finding in &report.verdict.findings {
        verdict_row(out, finding);
    }
    out.push_str("</table>");
    for finding in report
        .verdict
        .findings
        .iter()
        .filter(|finding| finding.violations > 0)
    {
        let _ = write!(
            out,
            "<h2 class=\"fail\">{} {}</h2>",
            finding.check.number(),
            finding.check.title()
        );
        for violation in &finding.shown {
            let evidence = escape(&violation.evidence.join("\n"));
            let _ = write!(out, "<p>{}</p><pre>{evidence}</pre>", escape(&violation.what));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts shown to people")]
fn verdict_row(out: &mut String, finding: &Finding) {
    let (class, sign) = if finding.violations == 0 {
        ("ok", "✓")
    } else {
        ("fail", "✗")
    };
    let _ = write!(
        out,
        "<tr><td class=\"left\"><span class=\"{class}\">{sign}</span> {} {}</td><td>{} {}</td><td>{}</td></tr>",
        finding.check.number(),
        finding.check.title(),
        number(finding.examined as f64),
        finding.check.unit(),
        number(finding.violations as f64)
    );
}

#[expect(clippy::cast_precision_loss, reason = "counts shown to people")]
fn by_second(summary: &Summary, of: fn(&Second) -> f64) -> Vec<(f64, f64)> {
    let seconds = summary.seconds.iter().enumerate();
    seconds
        .map(|(at, second)| (at as f64 + 0.5, of(second)))
        .collect()
}

/// Marks for the seconds since the opening, about ten of them.
#[expect(clippy::cast_precision_loss, reason = "counts shown to people")]
fn second_ticks(summary: &Summary) -> (Vec<(f64, String)>, f64) {
    let count = summary.seconds.len().max(1);
    let step = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600]
        .into_iter()
        .find(|step| count / step <= 12)
        .unwrap_or(7200);
    let ticks = (0..=count).step_by(step).map(|at| (at as f64, format!("{at} s")));
    (ticks.collect(), count as f64)
}

#[expect(clippy::cast_precision_loss, reason = "counts shown to people")]
fn rate(out: &mut String, summary: &Summary) {
    let (x_ticks, x_max) = second_ticks(summary);
    let series = |name, colour, of, filled| Series {
        name,
        colour,
        points: by_second(summary, of),
        filled,
    };
    let chart = Chart {
        label: "Answers, claims and failures a second since the opening",
        y_unit: "a second",
        scale: Scale::Linear,
        x_ticks,
        x_max,
        series: vec![
            series("answers", 0, |second| second.answered as f64, true),
            series("claims", 1, |second| second.claims as f64, false),
            series("429, 5xx, none", 3, |second| second.failed as f64, false),
        ],
    };
    let _ = write!(out, "<h2>Rate</h2>{}", chart.svg());
    let header = ["second", "answers", "claims", "failed"];
    let rows = summary.seconds.iter().enumerate().map(|(at, second)| {
        [at as u64, second.answered, second.claims, second.failed]
            .map(|value| number(value as f64))
            .into()
    });
    table_behind(out, &header, rows);
}

fn latency(out: &mut String, summary: &Summary) {
    let (x_ticks, x_max) = second_ticks(summary);
    let series = |name, colour, of| Series {
        name,
        colour,
        points: by_second(summary, of),
        filled: false,
    };
    let chart = Chart {
        label: "Latency of claims by the second of their intended start",
        y_unit: "ms, logarithmic",
        scale: Scale::Log,
        x_ticks,
        x_max,
        series: vec![
            series("median", 0, |second| second.p50_ms),
            series("p99", 2, |second| second.p99_ms),
            series("p99.9", 3, |second| second.p999_ms),
        ],
    };
    let _ = write!(
        out,
        "<h2>Latency of claims</h2><p class=\"soft\">From the intended start, so a server that stalls can't hide it. \
         Of it, the client's own lateness: median {}, p99 {}.</p>{}",
        milliseconds(summary.client_late_p50_ms),
        milliseconds(summary.client_late_p99_ms),
        chart.svg()
    );
    let rows = summary.seconds.iter().enumerate().map(|(at, second)| {
        let figures = [second.p50_ms, second.p99_ms, second.p999_ms].map(milliseconds);
        [vec![at.to_string()], figures.into()].concat()
    });
    table_behind(out, &["second", "median", "p99", "p99.9"], rows);
}

#[expect(clippy::cast_precision_loss, reason = "counts shown to people")]
fn percentiles(out: &mut String, summary: &Summary) {
    let nines = |quantile: f64| -(1.0 - quantile).log10();
    let shown = [
        (Operation::Claim, "claim", 0),
        (Operation::Poll, "own state", 1),
        (Operation::Pools, "pools of a campus", 2),
    ];
    let mut series: Vec<Series<'_>> = Vec::new();
    for (operation, name, colour) in shown {
        if let Some(figures) = summary.operation(operation) {
            let points = figures.latency.curve.iter();
            series.push(Series {
                name,
                colour,
                points: points.map(|&(quantile, ms)| (nines(quantile), ms)).collect(),
                filled: false,
            });
        }
    }
    let ticks = ["0", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %"];
    let chart = Chart {
        label: "Latency by percentile, each step to the right one nine more",
        y_unit: "ms, logarithmic",
        scale: Scale::Log,
        x_ticks: (0..7_u8)
            .map(|at| (f64::from(at), ticks[usize::from(at)].to_owned()))
            .collect(),
        x_max: 6.3,
        series,
    };
    let _ = write!(out, "<h2>Percentiles</h2>{}", chart.svg());
    out.push_str(
        "<table><tr><th>request</th><th>count</th><th>median</th><th>p90</th><th>p99</th><th>p99.9</th><th>max</th></tr>",
    );
    let decisions = [("claim, until a definite answer", &summary.decisions)];
    let rows = summary
        .operations
        .iter()
        .map(|it| (it.name.as_str(), &it.latency));
    for (name, it) in rows.chain(decisions) {
        let _ = write!(out, "<tr><td>{name}</td><td>{}</td>", number(it.count as f64));
        for value in [it.p50_ms, it.p90_ms, it.p99_ms, it.p999_ms, it.max_ms] {
            let _ = write!(out, "<td>{}</td>", milliseconds(value));
        }
        out.push_str("</tr>");
    }
    out.push_str("</table>");
}

#[expect(clippy::cast_precision_loss, reason = "counts shown to people")]
fn codes(out: &mut String, summary: &Summary) {
    let most = summary.codes.iter().map(|it| it.count).max().unwrap_or(1).max(1);
    out.push_str(
        "<h2>Answers</h2><table><tr><th>request</th><th class=\"left\">status</th><th class=\"left\">code</th>\
         <th>count</th><th class=\"left\"></th></tr>",
    );
    for it in &summary.codes {
        let class = match it.status {
            200..=399 => "",
            400..=428 | 430..=499 => "refused",
            _ => "failed",
        };
        let status = if it.status == 0 {
            "none".to_owned()
        } else {
            it.status.to_string()
        };
        let code = if it.code == Code::None {
            "–"
        } else {
            it.code.word()
        };
        let width = (it.count as f64 / most as f64 * 260.0).max(1.0);
        let _ = write!(
            out,
            "<tr><td>{}</td><td class=\"left\">{status}</td><td class=\"left\">{code}</td><td>{}</td>\
             <td class=\"left\"><span class=\"bar {class}\" style=\"width:{width:.0}px\"></span></td></tr>",
            it.operation,
            number(it.count as f64)
        );
    }
    out.push_str("</table>");
}

fn setting(out: &mut String, report: &RunReport) {
    let (it, phases) = (&report.setting, &report.phases);
    let rows = [
        ("server", it.server.clone()),
        ("store", it.store.clone()),
        (
            "machine",
            format!("{} cores for client, server and store together", it.cores),
        ),
        (
            "client",
            format!(
                "{} worker threads, {} keep-alive connections, gives up after {} ms",
                it.workers, it.connections, it.timeout_ms
            ),
        ),
        (
            "world",
            format!(
                "{} schools, {} campuses, {} pools, {} seats, {} candidates",
                report.world.schools,
                report.world.campuses,
                report.world.pools,
                report.world.seats,
                report.world.candidates
            ),
        ),
        (
            "phases",
            format!(
                "set-up {:.1} s, warm-up {:.1} s, load {:.1} s, exports {:.1} s, check {:.1} s",
                phases.set_up_seconds,
                phases.warm_up_seconds,
                phases.load_seconds,
                phases.export_seconds,
                phases.check_seconds
            ),
        ),
        ("seed, run", format!("{}, {}", it.seed, it.run)),
    ];
    out.push_str("<h2>Setting</h2><table>");
    for (name, value) in rows {
        let _ = write!(
            out,
            "<tr><td>{name}</td><td class=\"left\">{}</td></tr>",
            escape(&value)
        );
    }
    out.push_str("</table>");
}

fn table_behind(out: &mut String, header: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    out.push_str("<details><summary>the figures as a table</summary><div><table><tr>");
    for name in header {
        let _ = write!(out, "<th>{name}</th>");
    }
    out.push_str("</tr>");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td>{cell}</td>");
        }
        out.push_str("</tr>");
    }
    out.push_str("</table></div></details>");
}

fn milliseconds(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2} ms")
    } else {
        format!("{} ms", number(value))
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
