//! A crash test's stage: a small sitting on a store of its own, candidates, and the load tester's judge.
//!
//! Promises:
//! - [`Trial::judge`] lets everybody repeat what was not answered, takes the exports while nothing changes (expiry is
//!   suspended meanwhile), and fails with the judge's evidence if it finds anything.
//! - [`Trial::close`] judges, stops the server, verifies the audit trail with the program itself, and makes the tables
//!   anew from the journal: they must be what they were.

mod files;

use std::path::{Path, PathBuf};

use kaowei_loadtest::check::{Exports, Source, Verdict, check};
use kaowei_loadtest::client::StaffClient;
use serde_json::{Value, json};
use tempfile::TempDir;

pub use self::files::{EXTRA_STUDENTS, POOLS};
use crate::crowd::{Crowd, Errand, Pulse, Round, Until};
use crate::process::{Launch, Program, Server};

/// How a trial's sitting is.
#[derive(Debug, Clone, Copy)]
pub struct World {
    /// How many candidates play.
    pub people: u32,
    /// How long a seat is held.
    pub hold_seconds: u32,
    /// How long an enrolment without a claim lasts.
    pub enrolment_seconds: u32,
    /// Of the candidates' dice.
    pub seed: u64,
}

impl World {
    /// Holds and enrolments outlast the test.
    pub const fn lasting(seed: u64) -> Self {
        Self {
            people: 16,
            hold_seconds: 86_400,
            enrolment_seconds: 86_400,
            seed,
        }
    }

    /// Holds and enrolments end all the time.
    pub const fn fleeting(seed: u64) -> Self {
        Self {
            people: 16,
            hold_seconds: 1,
            enrolment_seconds: 1,
            seed,
        }
    }
}

/// A stage.
#[derive(Debug)]
pub struct Trial {
    folder: TempDir,
    /// The program on this stage's store.
    pub program: Program,
    /// The candidates.
    pub crowd: Crowd,
    staff_token: String,
    tokens: Vec<String>,
    extra_tokens: Vec<String>,
}

impl Trial {
    /// Sets a stage up; its store is embedded unless one is named.
    pub fn new(executable: &str, store: Option<String>, world: World) -> Self {
        eprintln!("{world:?}");
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("a folder can be made");
        let program = Program::new(executable, &data, store);
        files::write(folder.path(), world);
        let staff_token = program.must(&["token", "staff", "--scope", "national"]);
        let tokens = tokens(&program, &folder.path().join(files::STUDENTS));
        let extra_tokens = tokens_of_extra(&program, folder.path());
        let lasting = world.enrolment_seconds > 3_600;
        let trial = Self {
            crowd: Crowd::new("crash", world.seed, &tokens, &POOLS, lasting),
            staff_token: staff_token.trim().to_owned(),
            tokens,
            extra_tokens,
            program,
            folder,
        };
        let server = trial.program.answering();
        let staff = trial.staff(&server);
        trial.crowd.block_on(async {
            let sitting = files::sitting(world);
            staff.put_sitting(&sitting).await.expect("the sitting is taken");
            for (kind, file) in files::IMPORTS {
                let imported = staff.import(kind, &trial.path(file)).await;
                imported.expect("a file of the stage is imported");
            }
        });
        let end = server.stop();
        assert!(end.status.success(), "{}", end.log);
        trial
    }

    /// A file beside the store.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The staff's client of a server.
    pub fn staff(&self, server: &Server) -> StaffClient {
        let target = server.url().parse().expect("a server of this machine");
        StaffClient::new(target, self.staff_token.clone())
    }

    /// Starts a server that dies at the `nth` passing of a fail point.
    pub fn armed(&self, point: &str, nth: u32) -> Launch {
        self.program
            .serve(&[], &[("KAOWEI_FAIL_POINT", &format!("{point}:{nth}"))])
    }

    /// Lets everybody play.
    pub fn play(&mut self, server: &Server, until: Until) -> Round {
        self.crowd.play(server.address(), until, None)
    }

    /// Lets everybody play while `disturb` does what it does.
    pub fn play_disturbed(
        &mut self,
        server: &Server,
        until: Until,
        disturb: impl FnOnce(&Pulse) + Send,
    ) -> Round {
        let round = self.crowd.play_disturbed(server.address(), until, disturb);
        assert!(!round.too_long, "{round:?}:\n{}", server.log());
        round
    }

    /// Lets everybody play while more students are imported.
    pub fn play_and_import(&mut self, server: &Server, until: Until) -> Round {
        let staff = self.staff(server);
        let file = self.path(files::EXTRA);
        let errand: Errand = Box::pin(async move {
            // The server dies meanwhile: what became of the import is looked at afterwards.
            staff.import("students", &file).await.ok();
        });
        self.crowd.play(server.address(), until, Some(errand))
    }

    /// An import that was cut off has happened wholly or not at all, and can be repeated.
    pub fn check_import(&self, server: &Server) {
        let found: Vec<bool> = self
            .extra_tokens
            .iter()
            .map(|token| self.has_record(server, token))
            .collect();
        let first = found[0];
        assert!(
            found.iter().all(|each| *each == first),
            "an import was applied in part: {found:?}"
        );
        let staff = self.staff(server);
        let again = self
            .crowd
            .block_on(async { staff.import("students", &self.path(files::EXTRA)).await });
        let again = again.expect("an import can be repeated");
        assert_eq!(again["accepted"], json!(EXTRA_STUDENTS));
        assert!(
            self.extra_tokens
                .iter()
                .all(|token| self.has_record(server, token))
        );
    }

    /// Whether a candidate has a student record. The agreement is accepted first.
    fn has_record(&self, server: &Server, token: &str) -> bool {
        let body = json!({ "version": files::AGREEMENT });
        let agreed = self.request(server, "PUT", "/v1/agreement", token, Some(&body));
        assert_eq!(agreed.0, 200, "{}", agreed.1);
        let found = self.request(server, "GET", "/v1/qualification", token, None);
        assert!(matches!(found.0, 200 | 404), "{}", found.1);
        found.0 == 200
    }

    /// The token of national staff.
    pub fn staff_token(&self) -> &str {
        &self.staff_token
    }

    /// The token of one of the candidates.
    pub fn token(&self, candidate: usize) -> &str {
        &self.tokens[candidate]
    }

    /// Any request, which may get no answer.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub fn try_request(
        &self,
        server: &Server,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(u16, String)> {
        let exchange = crate::request::exchange(server.address(), method, path, token, body);
        self.crowd.block_on(exchange)
    }

    /// Any request.
    pub fn request(
        &self,
        server: &Server,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> (u16, String) {
        self.crowd
            .block_on(crate::request::exchange(
                server.address(),
                method,
                path,
                token,
                body,
            ))
            .expect("a server answers")
    }

    /// Asks for a change that the store does not take now.
    pub fn expect_unavailable(&self, server: &Server) {
        let body = json!({ "resume": true, "reason": "is the store there?" });
        let set = self.request(server, "POST", "/v1/staff/expiry", &self.staff_token, Some(&body));
        assert_eq!(set.0, 503, "{}", set.1);
    }

    /// Suspends or resumes expiry.
    pub fn set_expiry(&self, server: &Server, resume: bool) {
        let body = json!({ "resume": resume, "reason": "a test looks at what is stored" });
        let set = self.request(server, "POST", "/v1/staff/expiry", &self.staff_token, Some(&body));
        assert_eq!(set.0, 200, "{}", set.1);
    }

    /// Everybody repeats what is open; then the judge must find nothing. Expiry goes on afterwards.
    pub fn judge(&mut self, server: &Server) {
        self.judge_and_suspend(server);
        self.set_expiry(server, true);
    }

    fn judge_and_suspend(&mut self, server: &Server) {
        self.crowd.settle(server.address());
        self.set_expiry(server, false);
        let verdict = self.verdict(server);
        assert!(verdict.holds(), "{verdict}");
        let broken = self.crowd.broken_promises();
        assert!(broken.is_empty(), "{broken:#?}");
    }

    /// What the judge says of the server's exports.
    pub fn verdict(&self, server: &Server) -> Verdict {
        check(self.crowd.history(), &self.exports(server)).expect("the exports can be judged")
    }

    /// The server's exports.
    pub fn exports(&self, server: &Server) -> Exports {
        let staff = self.staff(server);
        self.crowd.block_on(async {
            for kind in ["claims", "audit", "enrolments", "orders"] {
                let file = self.path(&format!("{kind}.csv"));
                staff.export(kind, &file).await.expect("an export is had");
            }
            let pools = staff.pools().await.expect("the pools are listed");
            std::fs::write(self.path("pools.json"), pools).expect("a file can be written");
        });
        Exports::from_files(
            &self.path("claims.csv"),
            &self.path("audit.csv"),
            &self.path("pools.json"),
        )
        .expect("the exports can be read")
        .with_orders(Source::File(self.path("orders.csv")))
    }

    /// Judges for the last time, stops the server, and compares the tables with the journal.
    pub fn close(mut self, server: Server) {
        self.judge_and_suspend(&server);
        let end = server.stop();
        assert!(end.status.success(), "{}", end.log);
        end.assert_sound();
        self.compare_tables();
    }

    /// The tables as they are, as the exports had them, and as the journal makes them anew: all the same.
    pub fn compare_tables(&self) {
        let audit = self.path("audit.csv");
        let verified =
            self.program
                .run_alone(&["audit", "verify", audit.to_str().expect("a path of letters")]);
        assert!(verified.status.success(), "{}", verified.log);
        let rebuilt = self.program.run(&["rebuild"]);
        assert!(rebuilt.status.success(), "{}", rebuilt.log);
        for kind in ["claims", "enrolments", "orders"] {
            let before =
                std::fs::read_to_string(self.path(&format!("{kind}.csv"))).expect("the export is there");
            let after = self.program.must(&["export", kind]);
            assert_eq!(
                sorted(&before),
                sorted(&after),
                "{kind} before and after a rebuild"
            );
        }
    }
}

fn sorted(csv: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = csv.lines().collect();
    lines.sort_unstable();
    lines
}

fn tokens(program: &Program, students: &Path) -> Vec<String> {
    let students = students.to_str().expect("a path of letters");
    let told = program.must(&["token", "candidates", "--students", students]);
    told.lines()
        .filter_map(|line| line.split_once(','))
        .map(|(_, token)| token.to_owned())
        .collect()
}

/// Tokens of the first and the last of the extra students, and of some between.
fn tokens_of_extra(program: &Program, folder: &Path) -> Vec<String> {
    let few = folder.join("extra-few.csv");
    std::fs::write(&few, files::few_of_extra()).expect("a file can be written");
    tokens(program, &few)
}
