//! Everything before the load: files, server, imports, tokens, connections.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::Ready;
use crate::cli::RunOptions;
use crate::client::{StaffClient, Target, Tokens};
use crate::driver::{Crew, Orders};
use crate::logins::SERVER_FLAGS;
use crate::processes::{Interrupt, Server, find_or_build};
use crate::report::Setting;
use crate::scenario::Scenario;
use crate::setup::{CommandLine, ImportFiles, Steps, read_token, read_tokens, set_up_over_http};
use crate::world::SittingTimes;

/// A server to load, set up.
struct Prepared {
    target: Target,
    staff: StaffClient,
    tokens: Tokens,
    server: String,
    store: String,
}

pub(super) async fn prepare(
    scenario: &Scenario,
    options: &RunOptions,
    folder: &Path,
    server: &mut Option<Server>,
    interrupt: &Interrupt,
) -> Result<Ready> {
    let connections = allowed_connections(options.connections);
    let times = sitting_times(scenario, Utc::now());
    let steps = Steps::new(if options.url.is_some() { 7 } else { 8 });
    steps.begin("writing the import files");
    let files = ImportFiles::write(&folder.join("import"), &scenario.world, &times)?;
    steps.done();
    let prepared = match options.url {
        Some(target) => over_http(target, scenario, options, &files, &times, &steps).await?,
        None => own_server(scenario, options, folder, &files, &steps, server, interrupt).await?,
    };

    steps.begin(format!("opening {connections} connections"));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = options.workers.unwrap_or((cores / 2).max(1));
    let run = format!("{:x}", Utc::now().timestamp_millis());
    let crew = Crew::start(Orders {
        run: run.clone(),
        target: prepared.target,
        world: Arc::new(scenario.world.clone()),
        tokens: prepared.tokens,
        habits: scenario.habits,
        seed: options.seed,
        workers,
        connections,
        limit: Duration::from_millis(options.timeout_ms),
        arrive_again: scenario.arrive_again,
    })?;
    crew.open_connections()
        .await
        .with_context(|| format!("can't open {connections} connections to {}", prepared.target))?;
    steps.done();
    if interrupt.has_come() {
        bail!("interrupted during the set-up");
    }
    Ok(Ready {
        target: prepared.target,
        staff: prepared.staff,
        crew,
        times,
        took: steps.finish(),
        plan: Setting {
            server: prepared.server,
            store: prepared.store,
            cores,
            workers,
            connections,
            timeout_ms: options.timeout_ms,
            seed: options.seed,
            run,
        },
    })
}

/// Claims open long ago; or, on an opening day, when the warm-up should be over, which the staff then moves.
fn sitting_times(scenario: &Scenario, now: DateTime<Utc>) -> SittingTimes {
    let candidates = i64::try_from(scenario.world.candidates.len()).unwrap_or(i64::MAX);
    let claims_open_at = if scenario.opens_by_staff {
        now + TimeDelta::seconds(60 + candidates / 500)
    } else {
        now - TimeDelta::hours(1)
    };
    SittingTimes {
        qualification_opens_at: now - TimeDelta::hours(1),
        claims_open_at,
        hold_seconds: scenario.hold_seconds,
    }
}

async fn own_server(
    scenario: &Scenario,
    options: &RunOptions,
    folder: &Path,
    files: &ImportFiles,
    steps: &Steps,
    server: &mut Option<Server>,
    interrupt: &Interrupt,
) -> Result<Prepared> {
    let program = find_or_build(options.server.as_deref(), interrupt).await?;
    let data = folder.join("data");
    let mut store_arguments: Vec<OsString> = vec!["--data-dir".into(), data.clone().into()];
    if let Some(store) = &options.store {
        store_arguments.extend(["--store".into(), store.into()]);
    }
    let command_line = CommandLine {
        program: program.clone(),
        store_arguments: store_arguments.clone(),
        logs: folder.to_owned(),
        interrupt: interrupt.clone(),
    };
    let (staff_token, tokens_file) = command_line.set_up(files, &scenario.world, steps).await?;
    let tokens = read_tokens(&tokens_file, &scenario.world)?;

    steps.begin("starting the server");
    let log = folder.join("server.log");
    if scenario.logins.is_some() {
        store_arguments.extend(SERVER_FLAGS.map(Into::into));
    }
    let started = Server::start(&program, &store_arguments, &log, interrupt).await?;
    let target = started.target;
    let pid = started.pid().unwrap_or_default();
    *server = Some(started);
    let staff = StaffClient::new(target, staff_token);
    until_ready(&staff).await?;
    steps.done();
    Ok(Prepared {
        target,
        staff,
        tokens,
        server: format!("{} (process {pid}) at {target}", program.display()),
        store: options
            .store
            .clone()
            .unwrap_or_else(|| "SQLite in a temporary folder".into()),
    })
}

async fn over_http(
    target: Target,
    scenario: &Scenario,
    options: &RunOptions,
    files: &ImportFiles,
    times: &SittingTimes,
    steps: &Steps,
) -> Result<Prepared> {
    let (Some(staff_file), Some(tokens_file)) = (&options.staff_token_file, &options.tokens) else {
        bail!("--url needs --staff-token-file and --tokens");
    };
    let tokens = read_tokens(tokens_file, &scenario.world)?;
    let staff = StaffClient::new(target, read_token(staff_file)?);
    steps.begin("waiting until the server is ready");
    until_ready(&staff).await?;
    steps.done();
    set_up_over_http(&staff, files, times, &scenario.world, steps).await?;
    Ok(Prepared {
        target,
        staff,
        tokens,
        server: format!("{target} (running before)"),
        store: "its own".into(),
    })
}

/// Waits for `readyz`, for two minutes at most.
async fn until_ready(staff: &StaffClient) -> Result<()> {
    let mut last = None;
    for _ in 0..600 {
        match staff.get("/readyz").await {
            Ok(_) => return Ok(()),
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let last = last.context("never asked")?;
    Err(last).context("the server is not ready after two minutes")
}

/// As many connections as file handles allow, after raising that limit to what the system permits us.
fn allowed_connections(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let handles = current.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
    let allowed = wanted.min(handles.saturating_sub(200)).max(1);
    if allowed < wanted {
        eprintln!("only {handles} file handles are allowed here: {allowed} connections instead of {wanted}");
    }
    allowed
}
