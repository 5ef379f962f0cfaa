//! `kaowei serve`

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use kaowei_engine::Engine;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::demo;
use crate::server::{HttpServer, MetricsServer, Recorder, assemble, bind};
use crate::settings::{ServeSettings, Switch};
use crate::staff;
use crate::state::App;

/// Between two looks for accounts that have not asked for a while.
const FORGET_EVERY: Duration = Duration::from_secs(30);

/// Serves until it is told to stop.
pub(super) async fn serve(settings: ServeSettings) -> Result<ExitCode> {
    let recorder = Recorder::install().context("the metrics can't be recorded")?;
    let listener = bind(settings.listen, "--listen")?;
    let metrics = MetricsServer::new(
        bind(settings.metrics_listen, "--metrics-listen")?,
        recorder.clone(),
    );
    let engine_settings = settings.engine()?;
    let spool = settings.store.data_dir.join("uploads");
    staff::clear_spool(&spool);

    let engine = Engine::open(engine_settings).await?;
    let served = serve_engine(&settings, &engine, listener, metrics, recorder, spool).await;
    engine.close().await;
    served
}

async fn serve_engine(
    settings: &ServeSettings,
    engine: &Engine,
    listener: TcpListener,
    metrics: MetricsServer,
    recorder: Recorder,
    spool: std::path::PathBuf,
) -> Result<ExitCode> {
    let (app, frame) = assemble(engine.clone(), spool, settings.limits())?;
    let has_demo = settings.demo == Switch::On && demo::is_wanted(engine)?;
    if has_demo {
        demo::load(engine, &app.spool)
            .await
            .context("the demo sitting can't be loaded")?;
    }

    let address = listener.local_addr()?;
    engine.announce(&format!("http://{}", reachable(address))).await?;
    let metrics_address = metrics.address()?;
    let background = [
        tokio::spawn(metrics.serve()),
        tokio::spawn(recorder.upkeep()),
        tokio::spawn(forget_idle_accounts(app.clone())),
    ];
    let server = HttpServer::new(listener, frame, settings.connections(), engine.arbiters());

    // Others read these lines to learn that the server is ready and where.
    let mut told = format!("listening on http://{address}\nmetrics on http://{metrics_address}/metrics\n");
    if has_demo {
        told.push_str(&demo::welcome(&app, &format!("http://{}", reachable(address)))?);
    }
    std::io::stderr().write_all(told.as_bytes())?;

    let stopped = run_until_told(server, engine).await;
    for task in background {
        task.abort();
    }
    match stopped {
        None => Ok(ExitCode::SUCCESS),
        Some(reason) => bail!("the server has stopped: {reason}"),
    }
}

/// Serves until a signal comes or the engine has stopped by itself; in that case, why.
async fn run_until_told(server: HttpServer, engine: &Engine) -> Option<String> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let stop = async move {
        let reason = tokio::select! {
            () = told_to_stop() => None,
            reason = engine.stopped() => Some(reason),
        };
        // The receiver waits below, so this is heard.
        let _ = tell.send(reason);
    };
    server.serve(stop).await;
    told.await.ok().flatten()
}

async fn told_to_stop() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        tracing::warn!("the signal to stop can't be waited for");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => {
            if interrupted.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
    tracing::info!("told to stop: no new connections, requests finish, then the store is closed");
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
    }
}
