//! Reads the arguments, sets up logs and threads, runs one command. Errors are one sentence and exit code 1.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::FromArgMatches;
use tracing_subscriber::EnvFilter;

use super::task::{CommandLine, Task, command_line};
use super::{audit, export, import, maintenance, serve, token};
use crate::settings::{LogFormat, file_named, refuse_keys_in_arguments, unknown_variables, with_file};

/// Runs the command that the arguments name.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    match try_run(arguments) {
        Ok(code) => code,
        // Whoever reads the output has had enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kaowei: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<std::io::Error>();
    cause.is_some_and(|cause| cause.kind() == ErrorKind::BrokenPipe)
}

/// An error with its causes, each told once: some say their cause themselves.
fn sentence(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn try_run(arguments: Vec<OsString>) -> Result<ExitCode> {
    let arguments = with_default_command(arguments);
    let mut command = command_line();
    if let Some(file) = file_named(&arguments, std::env::var_os("KAOWEI_CONFIG")) {
        command = with_file(command, &file)?;
    }
    for name in unknown_variables(&command, std::env::vars_os().map(|(name, _)| name)) {
        eprintln!(
            "kaowei: warning: {name} is set but is no setting; `kaowei serve --help` lists all of them"
        );
    }
    let matches = match command.try_get_matches_from(arguments) {
        Ok(matches) => matches,
        // Help and version come this way too, as errors that are none.
        Err(shown) => {
            shown.print().context("the help could not be written")?;
            return Ok(ExitCode::from(u8::try_from(shown.exit_code()).unwrap_or(1)));
        }
    };
    refuse_keys_in_arguments(&matches)?;
    let task = CommandLine::from_arg_matches(&matches)?.task;
    start_logs(&task)?;
    run_in_system(perform(task))
}

/// `kaowei` alone, or with flags of `serve` alone, serves.
fn with_default_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let command = command_line();
    let is_command = |argument: &OsString| {
        argument
            .to_str()
            .is_some_and(|name| name == "help" || command.find_subcommand(name).is_some())
    };
    let is_about_all = |argument: &OsString| {
        argument
            .to_str()
            .is_some_and(|flag| matches!(flag, "-h" | "--help" | "-V" | "--version"))
    };
    let given = arguments.get(1..).unwrap_or_default();
    let serves = !given.iter().any(is_command) && !given.first().is_some_and(is_about_all);
    if serves {
        arguments.insert(1.min(arguments.len()), "serve".into());
    }
    arguments
}

fn start_logs(task: &Task) -> Result<()> {
    let store = task.store();
    let usual = if matches!(task, Task::Serve(_)) {
        "info"
    } else {
        "warn"
    };
    let filter = EnvFilter::try_new(store.log.as_deref().unwrap_or(usual)).context(
        "--log can't be read: expected error, warn, info, debug, or a filter such as info,sqlx=warn",
    )?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match store.log_format {
        LogFormat::Text => logs.with_ansi(false).try_init(),
        LogFormat::Json => logs.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("the logs can't be started: {error}"))
}

/// Runs a command inside an actix system on our own runtime. One thread of it is enough: those that serve
/// are the engine's.
fn run_in_system<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("worker")
        .enable_all()
        .build()
        .context("the threads can't be started")?;
    let system = actix_rt::System::with_tokio_rt(|| runtime);
    system.block_on(work)
}

async fn perform(task: Task) -> Result<ExitCode> {
    match task {
        Task::Serve(settings) => serve::serve(*settings).await,
        Task::Import(arguments) => import::import(arguments).await,
        Task::Export(arguments) => export::export(arguments).await,
        Task::Token(task) => token::token(task).await,
        Task::Rebuild(store) => maintenance::rebuild(&store).await,
        Task::Migrate(store) => maintenance::migrate(&store).await,
        Task::Openapi(_) => maintenance::openapi(),
        Task::Audit(task) => audit::audit(&task),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow::anyhow!("disk full")
            .context("can't write: disk full")
            .context("no");
        assert_eq!(sentence(&error), "no: can't write: disk full");
    }

    #[test]
    fn without_a_command_kaowei_serves() {
        let second = |line: &str| {
            let arguments = line.split(' ').map(OsString::from).collect();
            with_default_command(arguments)[1].to_str().unwrap().to_owned()
        };
        assert_eq!(second("kaowei --listen 127.0.0.1:0"), "serve");
        assert_eq!(second("kaowei export claims"), "export");
        assert_eq!(second("kaowei --help"), "--help");
        assert_eq!(with_default_command(vec!["kaowei".into()])[1], "serve");
    }
}
