//! The command line as a process: settings from the environment, warnings, exit codes, what is on which stream.

use std::path::Path;
use std::process::{Command, Output};

fn kaowei(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kaowei"));
    command.args(arguments).current_dir(folder);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KAOWEI_") {
            command.env_remove(name);
        }
    }
    command
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_environment_goes_before_the_file_and_help_shows_what_would_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kaowei.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:7001\"\naccount_burst = 777\n").unwrap();
    let help = kaowei(folder.path(), &["serve", "--config", "kaowei.toml", "--help"])
        .env("KAOWEI_LISTEN", "127.0.0.1:7002")
        .output()
        .unwrap();
    assert!(help.status.success());
    let help = shown(&help);
    for wanted in [
        "[default: 777]",
        "KAOWEI_LISTEN=127.0.0.1:7002",
        "[default: 127.0.0.1:9090]",
    ] {
        assert!(help.contains(wanted), "{wanted}: {help}");
    }

    // The environment's address is the one that can't be listened on.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = kaowei(folder.path(), &["serve", "--config", "kaowei.toml"])
        .env("KAOWEI_LISTEN", &address)
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        told(&refused).contains(&format!(
            "can't listen on {address}; choose another address with --listen"
        )),
        "{}",
        told(&refused)
    );
}

#[test]
fn an_unknown_setting_is_a_warning_in_the_environment_and_an_error_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let warned = kaowei(folder.path(), &["openapi"])
        .env("KAOWEI_LISTN", "1")
        .output()
        .unwrap();
    assert!(warned.status.success());
    assert!(told(&warned).contains("warning: KAOWEI_LISTN is set but is no setting"));
    assert!(
        serde_json::from_slice::<serde_json::Value>(&warned.stdout).is_ok(),
        "data only"
    );

    std::fs::write(folder.path().join("k.toml"), "lisen = 1\n").unwrap();
    let refused = kaowei(folder.path(), &["--config", "k.toml"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(told(&refused).contains("unknown setting \"lisen\""));
    assert_eq!(told(&refused).lines().count(), 1);
}

#[test]
fn a_command_without_a_server_works_on_the_store_itself() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo");
    let demo_file = |name: &str| demo.join(name).display().to_string();
    for (kind, name, done) in [
        ("sitting", "sitting.json", "the sitting is set"),
        ("campuses", "campuses.csv", "5 lines imported, 0 left out"),
        ("pools", "pools.csv", "22 lines imported, 0 left out"),
        ("students", "students.csv", "12 lines imported, 0 left out"),
    ] {
        let file = demo_file(name);
        let imported = kaowei(folder.path(), &["import", kind, &file]).output().unwrap();
        assert!(imported.status.success(), "{kind}: {}", told(&imported));
        assert_eq!(told(&imported), format!("{file}: {done}\n"), "and no warning");
        assert_eq!(shown(&imported), "");
    }
    let students = demo_file("students.csv");
    let minted = || {
        kaowei(folder.path(), &["token", "candidates", "--students", &students])
            .output()
            .unwrap()
    };
    let tokens = shown(&minted());
    assert_eq!(tokens.lines().count(), 12);
    assert!(tokens.starts_with("990101200501010010,ey"));

    let bad = folder.path().join("bad.csv");
    std::fs::write(
        &bad,
        "campus_code,subject_code,capacity,open,fee_fen\n991010,Z,5,true,1\n",
    )
    .unwrap();
    let refused = kaowei(folder.path(), &["import", "pools", "bad.csv"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        told(&refused).starts_with("bad.csv, line 2: "),
        "{}",
        told(&refused)
    );
    assert_eq!(told(&refused).lines().count(), 2, "{}", told(&refused));

    let export = kaowei(folder.path(), &["export", "audit"]).output().unwrap();
    assert_eq!(told(&export), "");
    std::fs::write(folder.path().join("audit.csv"), &export.stdout).unwrap();
    let verified = kaowei(folder.path(), &["audit", "verify", "audit.csv"])
        .output()
        .unwrap();
    assert!(verified.status.success(), "{}", told(&verified));
    let tampered = shown(&export).replace("\"\"capacity\"\":200", "\"\"capacity\"\":201");
    std::fs::write(folder.path().join("tampered.csv"), tampered).unwrap();
    let found = kaowei(folder.path(), &["audit", "verify", "tampered.csv"])
        .output()
        .unwrap();
    assert_eq!(found.status.code(), Some(1));
    assert!(told(&found).contains("I6_chain_unbroken"), "{}", told(&found));
}

#[test]
fn a_file_that_is_none_is_refused_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("files")).unwrap();
    std::fs::write(folder.path().join("empty.csv"), "").unwrap();
    for (arguments, sentence) in [
        (
            ["token", "candidates", "--students", "files"].as_slice(),
            "kaowei: files can't be read: ",
        ),
        (
            &["token", "candidates", "--students", "empty.csv"],
            "kaowei: empty.csv is not a students file with province_code,id_type,id_number,name",
        ),
        (
            &["import", "pools", "files"],
            "kaowei: files is a folder, not a file",
        ),
        (
            &["import", "sitting", "files"],
            "kaowei: files is a folder, not a file",
        ),
        (
            &["import", "pools", "none.csv"],
            "kaowei: none.csv can't be read: ",
        ),
    ] {
        let refused = kaowei(folder.path(), arguments).output().unwrap();
        assert_eq!(
            refused.status.code(),
            Some(1),
            "{arguments:?}: {}",
            shown(&refused)
        );
        let told = told(&refused);
        assert!(told.starts_with(sentence), "{arguments:?}: {told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}

#[cfg(unix)]
#[test]
fn the_data_folder_is_the_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let output = kaowei(folder.path(), &["migrate", "--data-dir", "new/data"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let mode = folder
        .path()
        .join("new/data")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}
