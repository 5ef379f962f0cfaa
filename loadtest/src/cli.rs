//! The command line, with a help that teaches.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::client::Target;
use crate::world::ProvinceChoice;

const EXAMPLES: &str = "\
Examples:
  Jiangsu's 175 schools open their registration, against a server that is started for it:
    kaowei-loadtest opening-day --province 32

  The same against a running server (on this machine: no other is ever loaded):
    kaowei-loadtest generate --province 32 --scale 0.05 --out ./js
    kaowei token candidates --students ./js/students.csv > ./js/tokens.csv
    kaowei token staff --scope national > ./js/staff-token
    kaowei-loadtest opening-day --province 32 --scale 0.05 --url http://127.0.0.1:8080 \\
        --staff-token-file ./js/staff-token --tokens ./js/tokens.csv

Every run ends with a verdict: what the server answered is held against its own audit
trail, replayed from the first record. A violation is printed with its evidence.
Exit codes: 0, everything held; 1, something was violated; 2, the run itself failed.";

/// Simulates an opening day of exam registration over HTTP and proves that nothing was oversold.
#[derive(Debug, Parser)]
#[command(name = "kaowei-loadtest", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A province opens: arrivals after the opening curve, a fifth in its first minute.
    #[command(after_help = "Example:\n  kaowei-loadtest opening-day --province 32,33 --window-seconds 120")]
    OpeningDay(OpeningDay),
    /// Everybody wants the same pool.
    #[command(
        after_help = "Example:\n  kaowei-loadtest hot-pool --candidates 30000 --capacity 500 --rate 5000"
    )]
    HotPool(HotPool),
    /// Claims and cancellations at a constant rate over a province's pools: for figures of latency.
    #[command(after_help = "Example:\n  kaowei-loadtest steady --rate 5000 --seconds 60")]
    Steady(Steady),
    /// Many holds fall due in the same seconds while newcomers claim.
    #[command(after_help = "Example:\n  kaowei-loadtest expiry-storm --holds 50000 --hold-seconds 30")]
    ExpiryStorm(ExpiryStorm),
    /// Claims at a constant rate, at first alone, then beside many times the logins that hashing serves.
    #[command(
        after_help = "Example:\n  kaowei-loadtest login-storm --rate 1000 --seconds 20\n\n\
        A server given with --url must run with --captcha off --entries-per-minute 0."
    )]
    LoginStorm(LoginStorm),
    /// From the enrolment to paid, through the sandbox's cashier, with some who have trouble there.
    #[command(after_help = "Example:\n  kaowei-loadtest journey --rate 60 --seconds 30")]
    Journey(Journey),
    /// Writes sitting.json, campuses.csv, pools.csv and students.csv, and tokens.csv if it can mint tokens.
    #[command(
        after_help = "Example:\n  kaowei-loadtest generate --province 32 --scale 0.1 --out ./jiangsu\n  \
        kaowei-loadtest generate --province all --out ./country --mint-with ./kaowei --data-dir ./kaowei-data"
    )]
    Generate(Generate),
    /// Judges a stored history against stored exports, without a server.
    #[command(
        after_help = "Example:\n  kaowei-loadtest opening-day --province 54 --history h.jsonl --keep-exports \
        ./x\n  kaowei-loadtest check --history h.jsonl --exports ./x"
    )]
    Check(Check),
    /// How many requests a second this client makes against a server that does nothing.
    #[command(
        visible_alias = "compare-trivial",
        after_help = "Example:\n  kaowei-loadtest self-bench --seconds 5 --connections 256"
    )]
    SelfBench(SelfBench),
}

/// Options of every run.
#[derive(Clone, Debug, Args)]
pub struct RunOptions {
    /// A running server, on this machine only; without it one is started on a temporary folder.
    #[arg(long, value_name = "URL", requires_all = ["staff_token_file", "tokens"], help_heading = "Server")]
    pub url: Option<Target>,
    /// With --url: a file with a national staff token (`kaowei token staff --scope national`).
    #[arg(long, value_name = "FILE", help_heading = "Server")]
    pub staff_token_file: Option<PathBuf>,
    /// With --url: the candidates' tokens, lines `id_number,token` (`kaowei token candidates --students …`).
    #[arg(long, value_name = "FILE", help_heading = "Server")]
    pub tokens: Option<PathBuf>,
    /// The server's program; else it is looked for beside this one, then in target/release, else it is built.
    #[arg(long, value_name = "PROGRAM", help_heading = "Server")]
    pub server: Option<PathBuf>,
    /// The store of the server that is started; SQLite in the temporary folder by default.
    #[arg(long, value_name = "URL", conflicts_with = "url", help_heading = "Server")]
    pub store: Option<String>,
    /// Keep everything (imports, data, logs) in this folder instead of a temporary one.
    #[arg(long, value_name = "DIR", help_heading = "Server")]
    pub work_dir: Option<PathBuf>,
    /// The seed of schools, candidates and arrivals.
    #[arg(long, default_value_t = 1, help_heading = "Load")]
    pub seed: u64,
    /// Client threads; by default half the machine's cores, at least one.
    #[arg(long, value_name = "N", help_heading = "Load")]
    pub workers: Option<usize>,
    /// Keep-alive connections.
    #[arg(long, value_name = "N", default_value_t = 2000, help_heading = "Load")]
    pub connections: usize,
    /// How long a client waits for an answer before it asks again with the same key.
    #[arg(long, value_name = "MS", default_value_t = 10_000, help_heading = "Load")]
    pub timeout_ms: u64,
    /// Write the history, one request a line.
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    pub history: Option<PathBuf>,
    /// Keep the exports that the verdict rests on (claims.csv, audit.csv, orders.csv, pools.json, sandbox.json).
    #[arg(long, value_name = "DIR", help_heading = "Results")]
    pub keep_exports: Option<PathBuf>,
    /// The report: one HTML file that needs no network.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "loadtest-report.html",
        help_heading = "Results"
    )]
    pub report: PathBuf,
    /// The same figures as JSON.
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    pub json: Option<PathBuf>,
}

/// `opening-day`
#[derive(Clone, Debug, Args)]
pub struct OpeningDay {
    /// Provinces by their two digits (32 is Jiangsu), several with commas or by repeating; or `all`.
    #[arg(long, value_name = "CODE", default_value = "32", value_delimiter = ',')]
    pub province: Vec<String>,
    /// Share of the real number of candidates; by default so that about 40,000 take part.
    #[arg(long, value_parser = parse_scale)]
    pub scale: Option<f64>,
    /// The two hours of the opening curve are compressed into so many seconds.
    #[arg(long, value_name = "S", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..))]
    pub window_seconds: u32,
    /// Options of every run.
    #[command(flatten)]
    pub run: RunOptions,
}

/// `hot-pool`
#[derive(Clone, Debug, Args)]
pub struct HotPool {
    /// How many want it.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub candidates: u32,
    /// How many seats it has.
    #[arg(long, default_value_t = 2_000)]
    pub capacity: u32,
    /// Arrivals a second.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: u32,
    /// Options of every run.
    #[command(flatten)]
    pub run: RunOptions,
}

/// `steady`
#[derive(Clone, Debug, Args)]
pub struct Steady {
    /// Claims a second; each is cancelled about a second later.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: u32,
    /// For how long.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub seconds: u32,
    /// The province whose pools are used, or `all`.
    #[arg(long, value_name = "CODE", default_value = "32", value_delimiter = ',')]
    pub province: Vec<String>,
    /// Options of every run.
    #[command(flatten)]
    pub run: RunOptions,
}

/// `expiry-storm`
#[derive(Clone, Debug, Args)]
pub struct ExpiryStorm {
    /// How many claim at first, and so hold seats that fall due together.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub holds: u32,
    /// How long a hold lasts.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(5..))]
    pub hold_seconds: u32,
    /// Newcomers a second, all the while.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub newcomers: u32,
    /// Options of every run.
    #[command(flatten)]
    pub run: RunOptions,
}

/// `login-storm`
#[derive(Clone, Debug, Args)]
pub struct LoginStorm {
    /// Claims a second, all the while; each is cancelled about a second later.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: u32,
    /// How long claims come alone, and then as long beside the storm.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    pub seconds: u32,
    /// The storm's logins come at so many times the rate that hashing serves.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub times: u32,
    /// Accounts that log in, in turn.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub accounts: u32,
    /// The province whose pools are used, or `all`.
    #[arg(long, value_name = "CODE", default_value = "32", value_delimiter = ',')]
    pub province: Vec<String>,
    /// Options of every run.
    #[command(flatten)]
    pub run: RunOptions,
}

/// `journey`
#[derive(Clone, Debug, Args)]
pub struct Journey {
    /// Candidates who set out in a second.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: u32,
    /// For how long they set out.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub seconds: u32,
    /// How many in a hundred have trouble at the cashier's.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u8).range(..=100))]
    pub odd_percent: u8,
    /// The province whose pools are used, or `all`.
    #[arg(long, value_name = "CODE", default_value = "32", value_delimiter = ',')]
    pub province: Vec<String>,
    /// Options of every run.
    #[command(flatten)]
    pub run: RunOptions,
}

/// `generate`
#[derive(Clone, Debug, Args)]
pub struct Generate {
    /// Provinces by their two digits, or `all`.
    #[arg(long, value_name = "CODE", default_value = "32", value_delimiter = ',')]
    pub province: Vec<String>,
    /// Share of the real number of candidates.
    #[arg(long, default_value_t = 1.0, value_parser = parse_scale)]
    pub scale: f64,
    /// The seed.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The folder to write into.
    #[arg(long, value_name = "DIR", default_value = "loadtest-import")]
    pub out: PathBuf,
    /// How long a hold lasts.
    #[arg(long, default_value_t = 86_400)]
    pub hold_seconds: u32,
    /// Mint tokens.csv with this `kaowei` program.
    #[arg(long, value_name = "PROGRAM")]
    pub mint_with: Option<PathBuf>,
    /// The data folder whose key signs the tokens.
    #[arg(long, value_name = "DIR", requires = "mint_with")]
    pub data_dir: Option<PathBuf>,
}

/// `check`
#[derive(Clone, Debug, Args)]
pub struct Check {
    /// The history (`--history` of a run); without it the exports are judged alone.
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// A folder with claims.csv, audit.csv and pools.json, and orders.csv and sandbox.json where they were fetched
    /// (`--keep-exports` of a run).
    #[arg(long, value_name = "DIR", required_unless_present_all = ["claims", "audit", "pools"])]
    pub exports: Option<PathBuf>,
    /// claims.csv by itself.
    #[arg(long, value_name = "FILE")]
    pub claims: Option<PathBuf>,
    /// audit.csv by itself.
    #[arg(long, value_name = "FILE")]
    pub audit: Option<PathBuf>,
    /// The pages of `GET /v1/staff/pools` by themselves.
    #[arg(long, value_name = "FILE")]
    pub pools: Option<PathBuf>,
}

/// `self-bench`
#[derive(Clone, Debug, Args)]
pub struct SelfBench {
    /// How long each measurement takes.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub seconds: u32,
    /// Connections, each with one request under way.
    #[arg(long, default_value_t = 256)]
    pub connections: usize,
}

/// The choice that a list of codes states.
pub fn province_choice(codes: &[String]) -> ProvinceChoice {
    if codes.iter().any(|code| code == "all") {
        ProvinceChoice::All
    } else {
        ProvinceChoice::These(codes.to_vec())
    }
}

fn parse_scale(text: &str) -> Result<f64, String> {
    let scale: f64 = text.parse().map_err(|_| format!("{text:?} is not a number"))?;
    if scale > 0.0 && scale <= 10.0 {
        Ok(scale)
    } else {
        Err("the scale is a share above 0, say 0.1".into())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_every_subcommand_has_an_example() {
        let mut command = Cli::command();
        command.build();
        command.clone().debug_assert();
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let help = sub.clone().render_long_help().to_string();
            assert!(help.contains("Example"), "{}", sub.get_name());
        }
    }

    #[test]
    fn another_machine_is_refused_with_a_sentence() {
        let error = Cli::try_parse_from([
            "x",
            "hot-pool",
            "--url",
            "http://192.0.2.1:80",
            "--staff-token-file",
            "a",
            "--tokens",
            "b",
        ])
        .unwrap_err();
        assert!(
            error.to_string().contains("192.0.2.1 is not this machine"),
            "{error}"
        );
    }
}
