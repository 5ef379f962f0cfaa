//! `kaowei serve`

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use kaowei_engine::Engine;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::demo;
use crate::notices::Webhook;
use crate::server::{HttpServer, MetricsServer, Recorder, assemble, bind};
use crate::settings::{ServeSettings, Switch};
use crate::staff;
use crate::state::App;

/// Between two looks for accounts that have not asked for a while.
const FORGET_EVERY: Duration = Duration::from_secs(30);

/// How long the store has at the least for taking what was decided, even where requests used up the time to stop.
const CLOSE_TIME_MIN: Duration = Duration::from_secs(5);
/// How long those who hear at the very end that the store did not answer have for hearing it.
const SEND_TIME_MAX: Duration = Duration::from_millis(500);

/// How serving ended.
struct Stop {
    /// Why, where nobody told it to.
    reason: Option<String>,
    at: Instant,
}

/// Serves until it is told to stop.
pub(super) async fn serve(settings: ServeSettings) -> Result<ExitCode> {
    let recorder = Recorder::install().context("the metrics can't be recorded")?;
    let listener = bind(settings.listen, "--listen")?;
    let metrics = MetricsServer::new(
        bind(settings.metrics_listen, "--metrics-listen")?,
        recorder.clone(),
    );
    let engine_settings = settings.engine()?;
    let webhook = settings.webhook()?;
    staff::clear_spool(&spool(&settings));

    let engine = Engine::open(engine_settings).await?;
    let served = serve_engine(&settings, &engine, listener, metrics, recorder, webhook).await;
    let stopped_at = served.as_ref().map_or_else(|_| Instant::now(), |stop| stop.at);
    let time_left = settings
        .connections()
        .stop_time_max
        .saturating_sub(stopped_at.elapsed());
    let closed = engine.close_within(time_left.max(CLOSE_TIME_MIN)).await;
    if closed.is_err() {
        tokio::time::sleep(SEND_TIME_MAX).await;
    }
    match served?.reason {
        Some(reason) => bail!("the server has stopped: {reason}"),
        None => Ok(closed.map(|()| ExitCode::SUCCESS)?),
    }
}

async fn serve_engine(
    settings: &ServeSettings,
    engine: &Engine,
    listener: TcpListener,
    metrics: MetricsServer,
    recorder: Recorder,
    webhook: Option<Webhook>,
) -> Result<Stop> {
    let spool = spool(settings);
    let (app, frame) = assemble(engine.clone(), spool, settings.limits(), settings.access()?)?;
    let has_demo = settings.demo == Switch::On && demo::is_wanted(engine)?;
    if has_demo {
        demo::load(engine, &app.spool)
            .await
            .context("the demo sitting can't be loaded")?;
    }

    if settings.captcha == Switch::Off {
        tracing::warn!(
            "captchas are OFF: passwords can be guessed by programs; for tests and load tests only"
        );
    }

    if settings
        .passport_jwks_url
        .as_ref()
        .is_some_and(|url| url.scheme() != "https")
    {
        tracing::warn!(
            "the passport's keys are fetched WITHOUT TLS: whoever stands in between can mint candidates; for tests only"
        );
    }

    if let Some(webhook) = &webhook {
        webhook.begin(engine).await?;
    } else {
        tracing::info!(
            "there is no --webhook-url: neither notices nor codes for a new password are sent to phones"
        );
    }

    if settings.sandbox == Switch::On {
        tracing::warn!(
            "the payment sandbox is on: whoever opens an order can mark it as paid at /sandbox/pay, and no money moves; \
             turn it off with --sandbox off"
        );
    }

    let address = listener.local_addr()?;
    engine.announce(&format!("http://{}", reachable(address))).await?;
    let metrics_address = metrics.address()?;
    let mut background = vec![
        tokio::spawn(metrics.serve()),
        tokio::spawn(recorder.upkeep()),
        tokio::spawn(forget_idle_accounts(app.clone())),
    ];
    background.extend(webhook.map(|webhook| tokio::spawn(webhook.serve(engine.clone()))));
    let server = HttpServer::new(listener, frame, settings.connections(), engine.arbiters());

    // Others read these lines to learn that the server is ready and where.
    let mut told = format!("listening on http://{address}\nmetrics on http://{metrics_address}/metrics\n");
    if has_demo {
        told.push_str(&demo::welcome(&app, &format!("http://{}", reachable(address)))?);
    }
    std::io::stderr().write_all(told.as_bytes())?;

    let stop = run_until_told(server, engine).await;
    for task in background {
        task.abort();
    }
    Ok(stop)
}

/// Where uploads are kept while they arrive.
fn spool(settings: &ServeSettings) -> std::path::PathBuf {
    settings.store.data_dir.join("uploads")
}

/// Serves until a signal comes or the engine has stopped by itself.
async fn run_until_told(server: HttpServer, engine: &Engine) -> Stop {
    let mut stop = Stop {
        reason: None,
        at: Instant::now(),
    };
    let told = async {
        stop.reason = tokio::select! {
            () = told_to_stop() => None,
            reason = engine.stopped() => Some(reason),
        };
        stop.at = Instant::now();
    };
    server.serve(told).await;
    stop
}

/// Waits for a signal to stop; the next one ends the process at once.
async fn told_to_stop() {
    let signals = signal(SignalKind::terminate()).and_then(|terminate| {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok((terminate, interrupt))
    });
    let (mut terminate, mut interrupt) = match signals {
        Ok(signals) => signals,
        Err(error) => {
            tracing::warn!(%error, "the signals to stop can't be waited for");
            return std::future::pending().await;
        }
    };
    either(&mut terminate, &mut interrupt).await;
    tracing::info!("told to stop: no new connections, requests finish, then the store is closed");
    tokio::spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        eprintln!("kaowei: told to stop twice: ended at once, without waiting for requests or the store");
        std::process::exit(1);
    });
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// The address by which this machine reaches the server.
fn reachable(address: std::net::SocketAddr) -> std::net::SocketAddr {
    let mut address = address;
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            std::net::SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            std::net::SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

async fn forget_idle_accounts(app: App) {
    loop {
        tokio::time::sleep(FORGET_EVERY).await;
        app.rate.forget_idle();
        app.entry.forget_idle();
    }
}
