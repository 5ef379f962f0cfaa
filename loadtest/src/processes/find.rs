//! Finds the server's program, or builds it.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::command::{end, prepared};
use super::{CommandError, Interrupt};

/// Why there is no server to start.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The one that was named.
    #[error("there is no program {0} (--server)")]
    Named(PathBuf),
    /// None was found, and there is no source to build it from.
    #[error(
        "no `kaowei` was found beside this program, and there is no workspace here to build it in; name it with --server"
    )]
    NoWorkspace,
    /// cargo failed.
    #[error("`cargo build --release -p kaowei` ended with {0}")]
    Build(ExitStatus),
    /// cargo could not be run, or the user asked for the end.
    #[error("the server could not be built")]
    Command(#[from] CommandError),
}

/// The server's program: the one named, else beside our own, else in the workspace's `target/release`, else built
/// there.
pub async fn find_or_build(named: Option<&Path>, interrupt: &Interrupt) -> Result<PathBuf, FindError> {
    if let Some(named) = named {
        return if named.is_file() {
            Ok(named.to_owned())
        } else {
            Err(FindError::Named(named.to_owned()))
        };
    }
    let own = std::env::current_exe().ok();
    let beside = own
        .as_deref()
        .and_then(Path::parent)
        .map(|folder| folder.join("kaowei"));
    if let Some(beside) = beside.filter(|program| program.is_file()) {
        return Ok(beside);
    }
    let here = std::env::current_dir().ok();
    let workspace = [own, here]
        .iter()
        .flatten()
        .find_map(|from| workspace_above(from))
        .ok_or(FindError::NoWorkspace)?;
    let built = workspace.join("target/release/kaowei");
    if !built.is_file() {
        eprintln!("no server found: building it (cargo build --release -p kaowei)");
        build(&workspace, interrupt).await?;
    }
    Ok(built)
}

/// The folder above that holds the server's sources.
fn workspace_above(from: &Path) -> Option<PathBuf> {
    from.ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file() && folder.join("api/Cargo.toml").is_file())
        .map(Path::to_owned)
}

async fn build(workspace: &Path, interrupt: &Interrupt) -> Result<(), FindError> {
    let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let started = prepared(
        &cargo,
        &["build", "--release", "-p", "kaowei", "--target-dir", "target"],
    )
    .current_dir(workspace)
    .spawn();
    let failed = |source| CommandError::Start {
        program: cargo.clone(),
        source,
    };
    let mut child = started.map_err(failed)?;
    let status = tokio::select! {
        status = child.wait() => status.map_err(failed)?,
        () = interrupt.nth(1) => {
            end(&mut child).await;
            return Err(CommandError::Interrupted.into());
        }
    };
    if status.success() {
        Ok(())
    } else {
        Err(FindError::Build(status))
    }
}
