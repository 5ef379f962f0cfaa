//! An embedded store on a disk that is full: requests are refused, nothing acknowledged is lost, and when there is
//! room again the server goes on by itself.
//!
//! The disk is a small tmpfs in a mount namespace of the server's own. Where that can't be had the test says so.

use kaowei_tests::crowd::Until;
use kaowei_tests::process::{Program, Server};
use kaowei_tests::trial::{Trial, World};
use kaowei_tests::wait::{self, PATIENCE};

use super::{KAOWEI, files};

/// Room for the store as it is set up, for a while of play, and for the ballast.
const DISK: &str = "size=24m";
const BALLAST_BYTES: u64 = 12 << 20;

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let mut trial = Trial::new(KAOWEI, None, World::lasting(81));
    let data = trial.program.data_dir().to_path_buf();
    let (copy, ballast) = (trial.path("copy"), data.join("ballast"));
    files::copy(&data, &copy);
    // Mounts the disk over the data folder, fills it with the store and the ballast, and becomes the server.
    let script = format!(
        "mount -t tmpfs -o {DISK} none \"$1\" && cp -a \"$2\"/. \"$1\" && fallocate -l {BALLAST_BYTES} \"$1\"/ballast \
         && cd \"$1\" && shift 2 && exec \"$@\""
    );
    let texts = [&data, &copy].map(|path| path.to_str().expect("a path of letters"));
    let serve = [
        KAOWEI,
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--metrics-listen",
        "127.0.0.1:0",
    ];
    let limits = ["--account-rate", "0", "--demo", "off", "--data-dir", texts[0]];
    let unshare = ["--mount", "--map-root-user", "sh", "-c", &script, "sh"];
    let wrapped = Program::new("unshare", &data, None);
    let arguments = [&unshare[..], &texts, &serve, &limits].concat();
    let server = match wrapped.serve_as(&arguments, &[]) {
        kaowei_tests::process::Launch::Answers(server) => server,
        kaowei_tests::process::Launch::Ended(end) => {
            eprintln!(
                "NOT RUN: no tmpfs in a mount namespace can be had here: {}",
                end.log
            );
            return;
        }
    };
    let inside = format!("/proc/{}/root{}", server.pid(), ballast.display());
    trial.play(&server, Until::Answers(100));
    fill(&server, &data.display().to_string());
    trial.play_disturbed(&server, Until::Disturbed, |pulse| {
        wait_for_log(&server, "the journal stopped");
        std::fs::remove_file(&inside).expect("the ballast can be taken away");
        pulse.wait_for(300);
    });
    trial.judge(&server);
    let end = server.stop();
    assert_eq!(end.status.code(), Some(0), "{}", end.log);
    end.assert_sound();
}

/// Fills what is left of the server's disk.
fn fill(server: &Server, data: &str) {
    let file = format!("/proc/{}/root{data}/filling", server.pid());
    let block = vec![0_u8; 4_096];
    let mut filling = std::fs::File::create(file).expect("a file can be made");
    while std::io::Write::write_all(&mut filling, &block).is_ok() {}
}

fn wait_for_log(server: &Server, part: &str) {
    let said = wait::until(part, PATIENCE, || Ok(server.log().contains(part)));
    said.unwrap_or_else(|error| panic!("{error:#}:\n{}", server.log()));
}
