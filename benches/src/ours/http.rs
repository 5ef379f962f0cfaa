//! P3 and P5: the whole server over HTTP, as its own process, with wrk on the same cores.
//!
//! Each claim is another one: 20,000 enrolled candidates, each of whom may claim in 250 pools. The full way: token,
//! validation, candidate's rules, pool, chain, journal, metrics. Enrolling is done by wrk too, before the clock
//! starts.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail, ensure};
use kaowei_tests::postgres::Postgres;

use super::engine::Store;
use crate::measure::{Budget, Measured};
use crate::registry::Subject;
use crate::wrk;

/// Oral subjects that need nothing: each candidate may claim in as many pools.
const LEVELS: u32 = 250;
/// How many candidates are enrolled.
const CANDIDATES: u32 = 20_000;
/// Claims a second that a script keeps room for, so that no two of its runs make the same claim.
const ROOM_PER_SECOND: u32 = 60_000;

/// What is asked of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// `POST /v1/claims`, each a new one (P3).
    Claims,
    /// `GET /v1/pools` of a campus with ten pools (P5).
    Pools,
    /// The same with `If-None-Match`, answered 304 (P5).
    PoolsUnchanged,
    /// `GET /v1/claims`: a candidate's own state (P5).
    OwnClaims,
}

impl Asked {
    fn name(self) -> &'static str {
        match self {
            Self::Claims => "claims",
            Self::Pools => "a campus's pools",
            Self::PoolsUnchanged => "a campus's pools, 304",
            Self::OwnClaims => "own claims",
        }
    }
}

/// The server on a store, asked by so many connections.
pub fn subject(store: Store, asked: Asked, connections: usize) -> Subject {
    let name = format!(
        "server, {}, {}, {connections} connections",
        store.name(),
        asked.name()
    );
    Subject::new(name, move |budget| {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let postgres = match store {
            Store::Sqlite => None,
            Store::Postgres if !Postgres::is_installed() => {
                return Ok(Measured::Skipped("PostgreSQL is not installed".into()));
            }
            Store::Postgres => Some(Postgres::private(kaowei_tests::postgres::Settings::default())?),
        };
        let url = match &postgres {
            Some(postgres) => Some(postgres.url(&postgres.create_database()?)),
            None => None,
        };
        let world = World {
            folder: folder.path(),
            store: url.as_deref(),
            program: program()?,
        };
        world.import()?;
        let server = world.serve()?;
        world.enrol(&server)?;
        let script = match asked {
            Asked::Claims => Script::Claim,
            Asked::Pools => Script::Pools,
            Asked::PoolsUnchanged => Script::PoolsUnchanged(World::etag(&server)?),
            Asked::OwnClaims => Script::OwnClaims,
        };
        let script = world.script(&script)?;
        wrk::measure(&server.address, connections, Some(&script), budget)
    })
}

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

struct World<'a> {
    folder: &'a Path,
    store: Option<&'a str>,
    program: PathBuf,
}

/// A running server; ended when dropped.
struct Server {
    process: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing of it is needed any more; it may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

enum Script {
    Agree,
    Enrol,
    Claim,
    Pools,
    PoolsUnchanged(String),
    OwnClaims,
}

impl World<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("KAOWEI_DATA_DIR", self.folder.join("data"))
            .stdin(Stdio::null());
        if let Some(store) = self.store {
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
            let file = self.folder.join(name);
            std::fs::write(&file, text)?;
            self.run(&["import", kind, &file.to_string_lossy()])?;
        }
        let students = self.folder.join("students.csv");
        let tokens = self.run(&["token", "candidates", "--students", &students.to_string_lossy()])?;
        std::fs::write(self.folder.join("tokens.csv"), tokens)?;
        Ok(())
    }

    fn serve(&self) -> anyhow::Result<Server> {
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
        for line in &mut lines {
            if let Some(address) = line?.strip_prefix("listening on ") {
                let address = address.trim().to_owned();
                // Read on, so that the server never waits for a full pipe.
                std::thread::spawn(move || lines.for_each(drop));
                return Ok(Server { process, address });
            }
        }
        bail!("the server ended before it listened")
    }

    /// Lets all candidates agree and enrol: scripts go through them in order, again until the last ones are in.
    fn enrol(&self, server: &Server) -> anyhow::Result<()> {
        let budget = Budget {
            warm_up: Duration::from_secs(1),
            measured: Duration::from_secs(3),
        };
        let tokens = std::fs::read_to_string(self.folder.join("tokens.csv"))?;
        let last: Vec<&str> = tokens
            .lines()
            .rev()
            .take(2)
            .filter_map(|line| Some(line.split_once(',')?.1))
            .collect();
        for _ in 0..10 {
            for enrolling in [Script::Agree, Script::Enrol] {
                // A candidate who has not agreed yet is refused; the next round finds him agreed.
                wrk::run_whatever_comes(&server.address, 64, &self.script(&enrolling)?, &budget)?;
            }
            let mut enrolled = true;
            for token in &last {
                enrolled &= Self::get(server, "/v1/enrolment", Some(token))?.starts_with("http/1.1 200");
            }
            if enrolled {
                return Ok(());
            }
        }
        bail!("not all candidates could be enrolled")
    }

    /// The head of an answer, in small letters.
    fn get(server: &Server, path: &str, token: Option<&str>) -> anyhow::Result<String> {
        let mut curl = Command::new("curl");
        curl.args(["-s", "-D", "-", "-o", "/dev/null"]);
        if let Some(token) = token {
            curl.args(["-H", &format!("Authorization: Bearer {token}")]);
        }
        let answer = curl.arg(format!("{}{path}", server.address)).output()?;
        Ok(String::from_utf8_lossy(&answer.stdout).to_lowercase())
    }

    fn etag(server: &Server) -> anyhow::Result<String> {
        let head = Self::get(server, "/v1/pools?campus=C1", None)?;
        let etag = head
            .lines()
            .find_map(|line| line.strip_prefix("etag: "))
            .context("the pools have no ETag")?;
        Ok(etag.trim().to_owned())
    }

    fn script(&self, script: &Script) -> anyhow::Result<PathBuf> {
        let started = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let request = match script {
            Script::Agree => {
                r#"return head("PUT", "/v1/agreement", c) .. body('{"version":"1"}')"#.to_owned()
            }
            Script::Enrol => {
                r#"return head("POST", "/v1/enrolment", c) .. body('{"phone_confirmed":true}')"#.to_owned()
            }
            Script::Claim => {
                r#"return head("POST", "/v1/claims", c) .. "Idempotency-Key: k" .. n .. "\r\n" ..
                body('{"pool":"C0-' .. l .. '","on_full":"waitlist"}')"#
                    .to_owned()
            }
            Script::Pools => r#"return head("GET", "/v1/pools?campus=C1", c) .. "\r\n""#.to_owned(),
            Script::PoolsUnchanged(etag) => {
                let etag = etag.replace('"', "\\\"");
                format!(r#"return head("GET", "/v1/pools?campus=C1", c) .. "If-None-Match: {etag}\r\n\r\n""#)
            }
            Script::OwnClaims => r#"return head("GET", "/v1/claims", c) .. "\r\n""#.to_owned(),
        };
        let claims = matches!(script, Script::Claim);
        let ahead = if claims {
            format!("(os.time() - {started}) * {ROOM_PER_SECOND}")
        } else {
            "0".into()
        };
        let tokens = self.folder.join("tokens.csv");
        let text = format!(
            r#"local started = 0
function setup(thread) thread:set("mine", started); started = started + 1 end
function init()
  tokens = {{}}
  for line in io.lines("{}") do tokens[#tokens + 1] = line:match(",(.+)$") end
  n = mine + {ahead}
end
function head(method, path, c)
  return method .. " " .. path .. " HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAuthorization: Bearer " ..
    tokens[c] .. "\r\n"
end
function body(text) return "Content-Length: " .. #text .. "\r\n\r\n" .. text end
function request()
  n = n + 2
  local c, l = n % #tokens + 1, math.floor(n / #tokens) % {LEVELS} + 1
  {request}
end
"#,
            tokens.display()
        );
        let file = self.folder.join("wrk.lua");
        std::fs::write(&file, text)?;
        Ok(file)
    }
}
