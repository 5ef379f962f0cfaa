//! Set-up: writes the import files, brings them into the server, and gets the candidates' tokens.
//!
//! Promises: with a server of our own everything goes through its command line before it starts (2.7); with a
//! running one through the staff API. Every step is shown with its time.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufWriter, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use crate::client::{StaffClient, Tokens};
use crate::processes::{Interrupt, run_to_end};
use crate::world::{SittingTimes, World, sitting_json, write_campuses, write_pools, write_students};

/// The import files in a folder.
#[derive(Clone, Debug)]
pub struct ImportFiles {
    /// `sitting.json`
    pub sitting: PathBuf,
    /// `campuses.csv`
    pub campuses: PathBuf,
    /// `pools.csv`
    pub pools: PathBuf,
    /// `students.csv`
    pub students: PathBuf,
}

impl ImportFiles {
    /// Writes them.
    pub fn write(folder: &Path, world: &World, times: &SittingTimes) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
        let files = Self {
            sitting: folder.join("sitting.json"),
            campuses: folder.join("campuses.csv"),
            pools: folder.join("pools.csv"),
            students: folder.join("students.csv"),
        };
        let create = |path: &Path| {
            let file = File::create(path).with_context(|| format!("can't write {}", path.display()));
            file.map(BufWriter::new)
        };
        serde_json::to_writer_pretty(create(&files.sitting)?, &sitting_json(times))?;
        write_campuses(world, create(&files.campuses)?)?;
        write_pools(world, create(&files.pools)?)?;
        write_students(world, create(&files.students)?)?;
        Ok(files)
    }

    /// The three CSV files by the name of their import, in order.
    pub fn csv(&self) -> [(&'static str, &Path); 3] {
        [
            ("campuses", &self.campuses),
            ("pools", &self.pools),
            ("students", &self.students),
        ]
    }
}

/// The steps of the set-up as a progress bar, or as lines where there is no terminal.
#[derive(Debug)]
pub struct Steps {
    bar: ProgressBar,
    terminal: bool,
    began: Instant,
}

impl Steps {
    /// So many steps.
    pub fn new(count: u64) -> Self {
        let bar = ProgressBar::new(count);
        if let Ok(style) = ProgressStyle::with_template("set-up [{bar:24}] {pos}/{len} {msg} ({elapsed})") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            bar,
            terminal: std::io::stderr().is_terminal(),
            began: Instant::now(),
        }
    }

    /// Begins a step.
    pub fn begin(&self, what: impl Into<String>) {
        let what = what.into();
        if !self.terminal {
            eprintln!("set-up {:>5.1} s  {what}", self.began.elapsed().as_secs_f64());
        }
        self.bar.set_message(what);
    }

    /// Ends a step.
    pub fn done(&self) {
        self.bar.inc(1);
    }

    /// All done; the time it took.
    pub fn finish(self) -> Duration {
        self.bar.finish_and_clear();
        let took = self.began.elapsed();
        eprintln!("set-up took {:.1} s", took.as_secs_f64());
        took
    }
}

/// The server's command line on one store.
#[derive(Clone, Debug)]
pub struct CommandLine {
    /// `kaowei`
    pub program: PathBuf,
    /// `--data-dir …` and `--store …`
    pub store_arguments: Vec<OsString>,
    /// Where logs go.
    pub logs: PathBuf,
    /// The user's wish to end.
    pub interrupt: Interrupt,
}

impl CommandLine {
    /// Runs one of its commands; its standard output into a file, if it is wanted.
    pub async fn run(&self, name: &str, words: &[OsString], stdout: Option<&Path>) -> Result<()> {
        let arguments: Vec<OsString> = words.iter().chain(&self.store_arguments).cloned().collect();
        let log = self.logs.join(format!("{name}.log"));
        run_to_end(&self.program, &arguments, stdout, &log, &self.interrupt).await?;
        Ok(())
    }

    /// Imports everything and mints the tokens; the staff's token and the file of the candidates'.
    pub async fn set_up(
        &self,
        files: &ImportFiles,
        world: &World,
        steps: &Steps,
    ) -> Result<(String, PathBuf)> {
        let words = |list: &[&str]| list.iter().map(OsString::from).collect::<Vec<_>>();
        steps.begin("importing the sitting");
        let mut line = words(&["import", "sitting"]);
        line.push(files.sitting.clone().into());
        self.run("import-sitting", &line, None).await?;
        steps.done();
        for (kind, file) in files.csv() {
            steps.begin(format!("importing {kind} ({} rows)", rows_of(kind, world)));
            let mut line = words(&["import", kind]);
            line.push(file.into());
            self.run(&format!("import-{kind}"), &line, None).await?;
            steps.done();
        }
        steps.begin(format!("minting {} tokens", world.candidates.len()));
        let tokens = self.logs.join("tokens.csv");
        let mut line = words(&["token", "candidates", "--students"]);
        line.push(files.students.clone().into());
        self.run("token-candidates", &line, Some(&tokens)).await?;
        let staff = self.logs.join("staff-token");
        let line = words(&["token", "staff", "--scope", "national"]);
        self.run("token-staff", &line, Some(&staff)).await?;
        steps.done();
        Ok((read_token(&staff)?, tokens))
    }
}

fn rows_of(kind: &str, world: &World) -> usize {
    match kind {
        "campuses" => world.campuses.len(),
        "pools" => world.pools.len(),
        _ => world.candidates.len(),
    }
}

/// Imports everything through the staff API of a running server.
pub async fn set_up_over_http(
    staff: &StaffClient,
    files: &ImportFiles,
    times: &SittingTimes,
    world: &World,
    steps: &Steps,
) -> Result<()> {
    steps.begin("putting the sitting");
    staff.put_sitting(&sitting_json(times)).await?;
    steps.done();
    for (kind, file) in files.csv() {
        steps.begin(format!("importing {kind} ({} rows)", rows_of(kind, world)));
        staff.import(kind, file).await?;
        steps.done();
    }
    Ok(())
}

/// A file with one token.
pub fn read_token(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
    let token = text.trim();
    if token.is_empty() || token.contains(char::is_whitespace) {
        bail!("{} does not hold one token alone", file.display());
    }
    Ok(token.to_owned())
}

/// The candidates' tokens from lines `id_number,token`, in the order of the world's candidates.
pub fn read_tokens(file: &Path, world: &World) -> Result<Tokens> {
    let text = std::fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
    let lines = text.lines().filter_map(|line| line.split_once(','));
    let by_id: HashMap<&str, &str> = lines.map(|(id, token)| (id.trim(), token.trim())).collect();
    let mut tokens = Vec::with_capacity(world.candidates.len());
    for candidate in &world.candidates {
        let id = world.id_number(candidate);
        let token = by_id.get(id.as_str()).with_context(|| {
            format!(
                "{} has no token for {id}; it must come from this scenario's students.csv",
                file.display()
            )
        })?;
        tokens.push(*token);
    }
    Ok(Tokens::new(tokens))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::single_pool;

    #[test]
    fn tokens_are_found_by_id_number_in_any_order_and_a_missing_one_is_told() {
        let world = single_pool(3, 1);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens.csv");
        let ids: Vec<String> = world.candidates.iter().map(|it| world.id_number(it)).collect();
        let lines: Vec<String> = ids.iter().rev().map(|id| format!("{id},token-of-{id}")).collect();
        std::fs::write(&file, lines.join("\n")).unwrap();
        assert_eq!(read_tokens(&file, &world).unwrap().len(), 3);

        std::fs::write(&file, &lines[0]).unwrap();
        let error = read_tokens(&file, &world).unwrap_err().to_string();
        assert!(error.contains(&ids[0]), "{error}");
    }
}
