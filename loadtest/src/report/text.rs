//! The end of a run on standard output: figures and verdict in a screenful.

use super::RunReport;

/// Prints it.
pub fn print(report: &RunReport) {
    let summary = &report.summary;
    println!("\n{}", report.title);
    println!(
        "{} requests, {} of them in {:.0} s of load; best second {} answers, {} claims",
        summary.requests,
        summary.load_requests,
        report.phases.load_seconds,
        summary.peak_per_second,
        summary.peak_claims_per_second
    );
    println!(
        "\n{:<16}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "latency (ms)", "count", "p50", "p90", "p99", "p99.9", "max"
    );
    let decisions = [("claim decided", &summary.decisions)];
    let rows = summary
        .operations
        .iter()
        .map(|it| (it.name.as_str(), &it.latency));
    for (name, it) in rows.chain(decisions) {
        println!(
            "{name:<16}{:>10}{:>10.2}{:>10.2}{:>10.2}{:>10.2}{:>10.1}",
            it.count, it.p50_ms, it.p90_ms, it.p99_ms, it.p999_ms, it.max_ms
        );
    }
    println!(
        "from intended starts; of it the client's own lateness: p50 {:.2}, p99 {:.2}",
        summary.client_late_p50_ms, summary.client_late_p99_ms
    );
    println!("\nanswers");
    for it in &summary.codes {
        let status = if it.status == 0 {
            "none".to_owned()
        } else {
            it.status.to_string()
        };
        println!(
            "  {:<14}{status:>5} {:<20}{:>10}",
            it.operation.word(),
            it.code.word(),
            it.count
        );
    }
    if let Some(logins) = &report.logins {
        println!("\nlogin storm");
        for sentence in logins.sentences() {
            println!("  {sentence}");
        }
    }
    println!("\nverdict");
    print!("{}", report.verdict);
    let verdict = if report.verdict.holds() {
        "PROVED: nothing was oversold, nobody jumped the queue, no money was kept without a seat"
    } else {
        "VIOLATED"
    };
    println!("{verdict}");
}
