//! A whole run against a tiny server: an honest one is proved right, a dishonest one is found out, and the history it
//! leaves is judged the same offline.

mod mock;

use clap::Parser;
use kaowei_loadtest::check::{Check, Exports, check};
use kaowei_loadtest::cli::{Cli, Command, HotPool, RunOptions};
use kaowei_loadtest::history::{Code, History, Operation};
use kaowei_loadtest::processes::Interrupt;
use kaowei_loadtest::scenario::Scenario;
use kaowei_loadtest::world::World;
use kaowei_loadtest::{run, scenario, world};
use mock::Fault;

struct Outcome {
    proved: bool,
    history: History,
    exports: Exports,
    report: String,
    json: serde_json::Value,
}

/// 120 candidates for 30 seats at the mock, with everything written into a folder.
async fn run_hot_pool(fault: Fault) -> Outcome {
    let everybody = world::single_pool(120, 30);
    run_at_the_mock(fault, &everybody, |folder_options| {
        let options = hot_pool_options(folder_options);
        let mut plan = scenario::hot_pool(&options);
        // Everybody comes at once and thinks fast, so that the test need not wait for people.
        plan.window_seconds = 2;
        plan.habits.think_seconds = 0.05;
        plan.habits.cancel = 0.3;
        plan.habits.double_click = 0.2;
        plan.habits.second_tab = 0.2;
        plan.habits.impatient = 0.1;
        (plan, options.run)
    })
    .await
}

async fn run_at_the_mock(
    fault: Fault,
    everybody: &World,
    plan: impl FnOnce(&[String]) -> (Scenario, RunOptions),
) -> Outcome {
    let address = mock::start(fault).await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let ids = everybody
        .candidates
        .iter()
        .map(|candidate| everybody.id_number(candidate));
    let tokens: Vec<String> = ids.map(|id| format!("{id},{id}")).collect();
    std::fs::write(path("tokens.csv"), tokens.join("\n")).unwrap();
    std::fs::write(path("staff"), "staff-token").unwrap();
    let (plan, options) = plan(&[
        format!("--url=http://{address}"),
        format!("--staff-token-file={}", path("staff").display()),
        format!("--tokens={}", path("tokens.csv").display()),
        format!("--work-dir={}", path("work").display()),
        format!("--history={}", path("history.jsonl").display()),
        format!("--keep-exports={}", path("exports").display()),
        format!("--report={}", path("report.html").display()),
        format!("--json={}", path("report.json").display()),
    ]);
    let proved = run::run(plan, &options, &Interrupt::never()).await.unwrap();

    let history = std::fs::File::open(path("history.jsonl")).unwrap();
    let exports = ["claims.csv", "audit.csv", "pools.json"].map(|name| path("exports").join(name));
    let texts = exports.map(|file| std::fs::read_to_string(file).unwrap());
    let [claims, audit, pools] = texts;
    Outcome {
        proved,
        history: History::read_lines(std::io::BufReader::new(history)).unwrap(),
        exports: Exports::from_texts(claims, audit, &pools).unwrap(),
        report: std::fs::read_to_string(path("report.html")).unwrap(),
        json: serde_json::from_str(&std::fs::read_to_string(path("report.json")).unwrap()).unwrap(),
    }
}

fn hot_pool_options(more: &[String]) -> HotPool {
    let own = [
        "x",
        "hot-pool",
        "--candidates=120",
        "--capacity=30",
        "--rate=400",
        "--connections=40",
    ];
    let words = own.into_iter().map(str::to_owned).chain(more.iter().cloned());
    match Cli::parse_from(words).command {
        Command::HotPool(options) => options,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_honest_server_is_proved_right_and_the_report_says_so() {
    let outcome = run_hot_pool(Fault::None).await;
    let verdict = check(&outcome.history, &outcome.exports).unwrap();
    assert!(outcome.proved && verdict.holds(), "{verdict}");
    for check in [
        Check::CapacityNeverExceeded,
        Check::AcknowledgedIsStored,
        Check::RepeatsAgree,
    ] {
        assert!(verdict.of(check).examined >= 30, "{verdict}");
    }

    let requests = outcome.history.requests();
    let some = |operation, status| {
        requests
            .iter()
            .any(|request| request.operation == operation && request.status == status)
    };
    assert!(some(Operation::Claim, 201) && some(Operation::Claim, 409) && some(Operation::Claim, 503));
    assert!(some(Operation::Poll, 200) && some(Operation::Poll, 304) && some(Operation::Cancel, 200));
    assert!(requests.iter().any(|request| request.code == Code::Overloaded));
    assert!(requests.iter().all(|request| request.code != Code::Unreadable));

    assert!(outcome.report.contains("Proved: nothing was oversold"));
    for outside in ["http://www", "https://", "<script", "<link", "NaN"] {
        assert!(!outcome.report.contains(outside), "the page has {outside}");
    }
    assert_eq!(outcome.json["world"]["enrolled"], 120);
    assert_eq!(
        outcome.json["verdict"]["findings"].as_array().unwrap().len(),
        Check::ALL.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_oversells_is_found_out() {
    let outcome = run_hot_pool(Fault::Oversells).await;
    assert!(!outcome.proved);
    let verdict = check(&outcome.history, &outcome.exports).unwrap();
    assert!(
        verdict.of(Check::CapacityNeverExceeded).violations > 0,
        "{verdict}"
    );
    assert!(
        outcome
            .report
            .contains("a seat was granted while 30 of 30 were taken")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgets_an_answer_is_found_out() {
    let outcome = run_hot_pool(Fault::Forgets).await;
    assert!(!outcome.proved);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_storm_tells_what_claims_felt_of_it_and_how_logins_were_shed() {
    let words = ["x", "login-storm", "--rate=30", "--seconds=1", "--accounts=20"];
    let options = |folder_options: &[String]| {
        let words = words
            .into_iter()
            .map(str::to_owned)
            .chain(folder_options.iter().cloned());
        match Cli::parse_from(words).command {
            Command::LoginStorm(options) => options,
            other => panic!("{other:?}"),
        }
    };
    let planned = scenario::login_storm(&options(&[])).unwrap();
    let outcome = run_at_the_mock(Fault::None, &planned.world, |folder_options| {
        let options = options(folder_options);
        (scenario::login_storm(&options).unwrap(), options.run)
    })
    .await;
    assert!(outcome.proved);
    let logins = &outcome.json["logins"];
    let offered = logins["offered_per_second"].as_f64().unwrap();
    let served = logins["served_alone_per_second"].as_f64().unwrap();
    assert!((offered - 10.0 * served).abs() < 1e-6, "{logins}");
    let answers = logins["answers"].as_array().unwrap();
    let count = |status: u16, code: &str| {
        let all = answers
            .iter()
            .filter(|it| it["status"] == status && it["code"] == code);
        all.map(|it| it["count"].as_u64().unwrap()).sum::<u64>()
    };
    let (taken, shed) = (count(201, "–"), count(503, "overloaded"));
    assert!(taken > 0 && shed > taken, "{logins}");
    let came = f64::from(u32::try_from(taken + shed).unwrap());
    assert!((came - offered).abs() < 1.0, "each was answered, once: {logins}");
    for claims in ["claims_quiet", "claims_in_storm"] {
        let figures = &logins[claims];
        assert!(figures["count"].as_u64().unwrap() > 0, "{logins}");
        assert!(figures["p99_ms"].as_f64().unwrap() > 0.0, "{logins}");
    }
    for part in [
        "The storm of logins",
        "in the storm",
        "logins answered 503 overloaded",
    ] {
        assert!(outcome.report.contains(part), "the page lacks {part}");
    }
}
