//! Load over HTTP from wrk, a generator that is not ours.
//!
//! Promises: an answer outside 2xx or a broken connection fails the measurement.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use crate::measure::{Budget, Measured};

/// Requests a second that `url` answers to `connections` connections, each sending when it has been answered.
/// `script` (Lua) makes the requests; without one they are GETs. Blocks until done.
pub fn measure(
    url: &str,
    connections: usize,
    script: Option<&Path>,
    budget: &Budget,
) -> anyhow::Result<Measured> {
    if Command::new("wrk").arg("--version").output().is_err() {
        return Ok(Measured::Skipped(
            "wrk is not here: `make bench` installs it from Debian's packages".into(),
        ));
    }
    run(url, connections, script, budget.warm_up)?;
    Ok(Measured::PerSecond(run(
        url,
        connections,
        script,
        budget.measured,
    )?))
}

/// Sends the script's requests and looks at no answer: to bring a server into a state.
pub fn run_whatever_comes(
    url: &str,
    connections: usize,
    script: &Path,
    lasting: Duration,
) -> anyhow::Result<()> {
    tell(url, connections, Some(script), lasting).map(|_| ())
}

/// Requests a second over so long, without a warm-up.
///
/// # Errors
/// What wrk said; an answer outside 2xx.
pub fn run(url: &str, connections: usize, script: Option<&Path>, lasting: Duration) -> anyhow::Result<f64> {
    requests_per_second(&tell(url, connections, script, lasting)?)
}

fn tell(url: &str, connections: usize, script: Option<&Path>, lasting: Duration) -> anyhow::Result<String> {
    // wrk takes whole seconds only.
    let seconds = lasting.as_secs().max(1);
    let mut wrk = Command::new("wrk");
    wrk.args([
        "--threads=2",
        &format!("--connections={connections}"),
        &format!("--duration={seconds}s"),
    ]);
    if let Some(script) = script {
        wrk.arg("--script").arg(script);
    }
    let output = wrk
        .arg(url)
        .stdin(Stdio::null())
        .output()
        .context("can't run wrk")?;
    ensure!(
        output.status.success(),
        "wrk: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn requests_per_second(told: &str) -> anyhow::Result<f64> {
    for line in told.lines().map(str::trim) {
        if line.starts_with("Socket errors") || line.starts_with("Non-2xx") {
            bail!("wrk counted failures: {line}");
        }
    }
    let rate = told
        .lines()
        .find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    rate.context("wrk told no rate")?
        .trim()
        .parse()
        .context("wrk's rate is no number")
}

#[cfg(test)]
mod tests {
    use super::requests_per_second;

    const TOLD: &str = "Running 1s test @ http://127.0.0.1:1/\n  2 threads and 64 connections\n  Thread Stats   Avg\n  \
                        150000 requests in 1.00s, 18.60MB read\nRequests/sec: 149123.55\nTransfer/sec:     18.49MB\n";

    #[test]
    fn the_rate_is_read_and_failures_are_not_counted_as_answers() -> anyhow::Result<()> {
        assert!((requests_per_second(TOLD)? - 149_123.55).abs() < 1e-6);
        let refused = TOLD.replace("Requests/sec", "  Non-2xx or 3xx responses: 12\nRequests/sec");
        assert!(requests_per_second(&refused).is_err());
        assert!(requests_per_second("").is_err());
        Ok(())
    }
}
