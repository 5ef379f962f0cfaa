//! What the server is asked over: a sitting with a hundred levels, so that every claim can be a new one, all candidates
//! enrolled, and wrk's script.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail, ensure};
use kaowei_tests::postgres::Postgres;
use tempfile::TempDir;

use crate::ours::engine::Store;
use crate::wrk;

/// Oral subjects that need nothing: each candidate may claim in as many pools.
const LEVELS: u32 = 100;
/// How many candidates are enrolled.
const CANDIDATES: u32 = 50_000;
/// Claims a second that a script keeps room for, so that no two of its runs make the same claim.
const ROOM_PER_SECOND: u32 = 70_000;

/// The release program beside this one, as `cargo build` makes it.
fn program() -> anyhow::Result<PathBuf> {
    let beside = std::env::current_exe()?.with_file_name("kaowei");
    ensure!(
        beside.exists(),
        "there is no {}: build the server with the same profile first",
        beside.display()
    );
    Ok(beside)
}

/// A folder with everything imported, and the store beside it.
pub(super) struct World {
    folder: TempDir,
    postgres: Option<(Postgres, String)>,
    program: PathBuf,
}

/// A running server; ended when dropped.
pub(super) struct Server {
    process: Child,
    pub(super) address: String,
    metrics: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing of it is needed any more; it may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// The head of an answer, in small letters.
    fn head(&self, path: &str, token: Option<&str>) -> anyhow::Result<String> {
        let mut curl = Command::new("curl");
        curl.args(["-s", "-D", "-", "-o", "/dev/null"]);
        if let Some(token) = token {
            curl.args(["-H", &format!("Authorization: Bearer {token}")]);
        }
        let answer = curl.arg(format!("{}{path}", self.address)).output()?;
        Ok(String::from_utf8_lossy(&answer.stdout).to_lowercase())
    }

    /// The `ETag` of the small campus's pools.
    pub(super) fn etag(&self) -> anyhow::Result<String> {
        let head = self.head("/v1/pools?campus=C1", None)?;
        let etag = head
            .lines()
            .find_map(|line| line.strip_prefix("etag: "))
            .context("the pools have no ETag")?;
        Ok(etag.trim().to_owned())
    }

    /// The value of a metric without labels.
    pub(super) fn metric(&self, name: &str) -> anyhow::Result<u64> {
        let told = Command::new("curl").args(["-s", &self.metrics]).output()?;
        let told = String::from_utf8_lossy(&told.stdout);
        let value = told
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .with_context(|| format!("the server has no metric {name}"))?;
        value.trim().parse().context("a metric is no number")
    }
}

/// What wrk sends.
pub(super) enum Script {
    Agree,
    Enrol,
    Claim,
    Pools,
    PoolsUnchanged(String),
    OwnClaims,
}

impl World {
    /// A world on that store; `None` where it is not installed.
    pub(super) fn on(store: Store) -> anyhow::Result<Option<Self>> {
        let postgres = match store {
            Store::Sqlite => None,
            Store::Postgres if !Postgres::is_installed() => return Ok(None),
            Store::Postgres => {
                let postgres = Postgres::private(kaowei_tests::postgres::Settings::default())?;
                let url = postgres.url(&postgres.create_database()?);
                Some((postgres, url))
            }
        };
        let world = Self {
            folder: tempfile::tempdir().context("no temporary folder")?,
            postgres,
            program: program()?,
        };
        world.import()?;
        Ok(Some(world))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("KAOWEI_DATA_DIR", self.file("data"))
            .stdin(Stdio::null());
        if let Some((_, store)) = &self.postgres {
            command.env("KAOWEI_STORE", store);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
        let output = self.command().args(arguments).output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "kaowei {}: {told}", arguments.join(" "));
        Ok(output.stdout)
    }

    fn import(&self) -> anyhow::Result<()> {
        let subjects: Vec<_> = (1..=LEVELS)
            .map(|level| {
                format!(
                    r#"{{"code":"{level}","name":"科目","paper":"oral","language":"en","level":{level}}}"#
                )
            })
            .collect();
        let sitting = format!(
            r#"{{"id":"bench","name":"bench","agreement":{{"version":"1","text":"agreed"}},
                "windows":[{{"province":"*","paper":"oral","opens_at":"2020-01-01T00:00:00Z","closes_at":"2099-01-01T00:00:00Z"}}],
                "subjects":[{}]}}"#,
            subjects.join(",")
        );
        let mut campuses =
            String::from("province_code,province_name,school_code,school_name,campus_code,campus_name\n");
        let mut pools = String::from("campus_code,subject_code,capacity,open,fee_fen\n");
        for (campus, subjects) in [("C0", LEVELS), ("C1", 10)] {
            writeln!(campuses, "99,省,99101,校,{campus},校区")?;
            for subject in 1..=subjects {
                writeln!(pools, "{campus},{subject},20000,true,1")?;
            }
        }
        let all: Vec<_> = (1..=LEVELS).map(|subject| subject.to_string()).collect();
        let all = all.join(";");
        let mut students = String::from(
            "province_code,id_type,id_number,name,gender,school_code,campus_code,degree,program_years,entry_year,\
             grade,department,major,class,student_number,remarks,subjects\n",
        );
        for n in 0..CANDIDATES {
            writeln!(students, "99,passport,P{n},考生,女,99101,C0,,,,,,,,{n},,{all}")?;
        }
        for (kind, name, text) in [
            ("sitting", "sitting.json", sitting),
            ("campuses", "campuses.csv", campuses),
            ("pools", "pools.csv", pools),
            ("students", "students.csv", students),
        ] {
            let file = self.file(name);
            std::fs::write(&file, text)?;
            self.run(&["import", kind, &file.to_string_lossy()])?;
        }
        let students = self.file("students.csv");
        let tokens = self.run(&["token", "candidates", "--students", &students.to_string_lossy()])?;
        std::fs::write(self.file("tokens.csv"), tokens)?;
        Ok(())
    }

    pub(super) fn serve(&self) -> anyhow::Result<Server> {
        let mut process = self
            .command()
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--metrics-listen",
                "127.0.0.1:0",
            ])
            .args(["--account-rate", "0"])
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let told = process
            .stderr
            .take()
            .context("the server has no standard error")?;
        let mut lines = BufReader::new(told).lines();
        let mut after = |what: &str| -> anyhow::Result<String> {
            for line in &mut lines {
                if let Some(told) = line?.strip_prefix(what) {
                    return Ok(told.trim().to_owned());
                }
            }
            bail!("the server ended before it listened")
        };
        let (address, metrics) = (after("listening on ")?, after("metrics on ")?);
        // Read on, so that the server never waits for a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Server {
            process,
            address,
            metrics,
        })
    }

    /// Lets all candidates agree and enrol: scripts go through them in order, for longer and longer until the last ones
    /// are in.
    pub(super) fn enrol(&self, server: &Server) -> anyhow::Result<()> {
        let tokens = std::fs::read_to_string(self.file("tokens.csv"))?;
        let last: Vec<&str> = tokens
            .lines()
            .rev()
            .take(2)
            .filter_map(|line| Some(line.split_once(',')?.1))
            .collect();
        for seconds in [4, 4, 8, 16, 32, 64] {
            for enrolling in [Script::Agree, Script::Enrol] {
                // A candidate who has not agreed yet is refused; the next round finds him agreed.
                let lasting = Duration::from_secs(seconds);
                wrk::run_whatever_comes(&server.address, 64, &self.script(&enrolling)?, lasting)?;
            }
            let mut enrolled = true;
            for token in &last {
                enrolled &= server
                    .head("/v1/enrolment", Some(token))?
                    .starts_with("http/1.1 200");
            }
            if enrolled {
                return Ok(());
            }
        }
        bail!("not all candidates could be enrolled")
    }

    pub(super) fn script(&self, script: &Script) -> anyhow::Result<PathBuf> {
        let started = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let (method, path, request) = match script {
            Script::Agree => ("PUT", "/v1/agreement", r#"head .. body('{"version":"1"}')"#.to_owned()),
            Script::Enrol => (
                "POST",
                "/v1/enrolment",
                r#"head .. body('{"phone_confirmed":true}')"#.to_owned(),
            ),
            Script::Claim => (
                "POST",
                "/v1/claims",
                r#"head .. "Idempotency-Key: k" .. n .. "\r\n" .. body('{"pool":"C0-' .. l .. '","on_full":"waitlist"}')"#
                    .to_owned(),
            ),
            Script::Pools => ("GET", "/v1/pools?campus=C1", r#"head .. "\r\n""#.to_owned()),
            Script::PoolsUnchanged(etag) => {
                let etag = etag.replace('"', "\\\"");
                (
                    "GET",
                    "/v1/pools?campus=C1",
                    format!(r#"head .. "If-None-Match: {etag}\r\n\r\n""#),
                )
            }
            Script::OwnClaims => ("GET", "/v1/claims", r#"head .. "\r\n""#.to_owned()),
        };
        let claims = matches!(script, Script::Claim);
        let ahead = if claims {
            format!("(os.time() - {started}) * {ROOM_PER_SECOND}")
        } else {
            "0".into()
        };
        let tokens = self.file("tokens.csv");
        // Whatever of a request can be made before the clock starts is.
        let text = format!(
            r#"local started = 0
function setup(thread) thread:set("mine", started); started = started + 1 end
function init()
  heads = {{}}
  for line in io.lines("{}") do
    heads[#heads + 1] = "{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAuthorization: Bearer "
      .. line:match(",(.+)$") .. "\r\n"
  end
  n = mine + {ahead}
end
function body(text) return "Content-Length: " .. #text .. "\r\n\r\n" .. text end
function request()
  n = n + 2
  local head, l = heads[n % #heads + 1], math.floor(n / #heads) % {LEVELS} + 1
  return {request}
end
"#,
            tokens.display()
        );
        let file = self.file("wrk.lua");
        std::fs::write(&file, text)?;
        Ok(file)
    }
}
