//! The command line of the load tester.
//!
//! Exit codes: 0, everything held; 1, something was violated; 2, the run itself failed.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use chrono::{TimeDelta, Utc};
use clap::Parser;

use kaowei_loadtest::check::{Exports, check};
use kaowei_loadtest::cli::{Check, Cli, Command, Generate, RunOptions};
use kaowei_loadtest::history::History;
use kaowei_loadtest::processes::{Interrupt, run_to_end};
use kaowei_loadtest::scenario::{self, Scenario};
use kaowei_loadtest::setup::ImportFiles;
use kaowei_loadtest::world::{Scale, SittingTimes, country};
use kaowei_loadtest::{bench, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match act(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn act(command: Command) -> Result<bool> {
    match command {
        Command::OpeningDay(options) => start(scenario::opening_day(&options)?, &options.run),
        Command::HotPool(options) => start(scenario::hot_pool(&options), &options.run),
        Command::Journey(options) => start(scenario::journey(&options)?, &options.run),
        Command::Steady(options) => start(scenario::steady(&options)?, &options.run),
        Command::ExpiryStorm(options) => start(scenario::expiry_storm(&options), &options.run),
        Command::LoginStorm(options) => start(scenario::login_storm(&options)?, &options.run),
        Command::Generate(options) => generate(&options),
        Command::Check(options) => judge(&options),
        Command::SelfBench(options) => bench::self_bench(&options).map(|()| true),
    }
}

/// A runtime for everything but the load itself, which has threads of its own.
fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

fn start(scenario: Scenario, options: &RunOptions) -> Result<bool> {
    runtime()?.block_on(async {
        let interrupt = Interrupt::listen()?;
        run::run(scenario, options, &interrupt).await
    })
}

fn generate(options: &Generate) -> Result<bool> {
    let choice = scenario::provinces(&options.province)?;
    let world = country(&choice, options.seed, Scale(options.scale));
    let opened = Utc::now() - TimeDelta::hours(1);
    let times = SittingTimes {
        qualification_opens_at: opened,
        claims_open_at: opened,
        hold_seconds: options.hold_seconds,
    };
    let files = ImportFiles::write(&options.out, &world, &times)?;
    let (campuses, pools, candidates) = (world.campuses.len(), world.pools.len(), world.candidates.len());
    println!(
        "{}: {} schools, {campuses} campuses, {pools} pools, {} seats, {candidates} candidates",
        options.out.display(),
        world.schools.len(),
        world.seats()
    );
    let Some(program) = &options.mint_with else {
        println!(
            "tokens: kaowei token candidates --students {} > {}",
            files.students.display(),
            options.out.join("tokens.csv").display()
        );
        return Ok(true);
    };
    let mut words = vec![
        "token".into(),
        "candidates".into(),
        "--students".into(),
        files.students.into_os_string(),
    ];
    if let Some(folder) = &options.data_dir {
        words.extend(["--data-dir".into(), folder.clone().into_os_string()]);
    }
    let (tokens, log) = (options.out.join("tokens.csv"), options.out.join("token.log"));
    runtime()?.block_on(async {
        let interrupt = Interrupt::listen()?;
        run_to_end(program, &words, Some(&tokens), &log, &interrupt)
            .await
            .context("no tokens were minted")
    })?;
    println!("tokens: {}", tokens.display());
    Ok(true)
}

fn judge(options: &Check) -> Result<bool> {
    let file = |own: &Option<std::path::PathBuf>, name: &str| match (own, &options.exports) {
        (Some(own), _) => own.clone(),
        (None, Some(folder)) => folder.join(name),
        (None, None) => name.into(),
    };
    let (claims, audit) = (
        file(&options.claims, "claims.csv"),
        file(&options.audit, "audit.csv"),
    );
    let mut exports = Exports::from_files(&claims, &audit, &file(&options.pools, "pools.json"))?;
    if let Some(folder) = &options.exports {
        exports = exports.with_money(folder)?;
    }
    let history = match &options.history {
        Some(file) => read_history(file)?,
        None => History::new("none"),
    };
    let verdict = check(&history, &exports)?;
    print!("{verdict}");
    println!("{}", if verdict.holds() { "PROVED" } else { "VIOLATED" });
    Ok(verdict.holds())
}

fn read_history(file: &Path) -> Result<History> {
    let opened = File::open(file).with_context(|| format!("can't read {}", file.display()))?;
    Ok(History::read_lines(BufReader::with_capacity(1 << 20, opened))?)
}
