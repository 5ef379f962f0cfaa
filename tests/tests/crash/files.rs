//! Data folders: copied, looked at, and served by another user.

use std::collections::BTreeMap;
use std::path::Path;

use kaowei_tests::process::{End, Program};

/// Copies a folder with all that is in it.
pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from).expect("a folder can be read") {
        let entry = entry.expect("a folder can be read");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}

/// Every file of a folder, by its name, with what is in it.
pub(super) fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("a folder can be read").path();
        if path.is_file() {
            let bytes = std::fs::read(&path).expect("a file can be read");
            found.insert(path.display().to_string(), bytes);
        }
    }
    found
}

/// Starts a server that must not answer, as an ordinary user: as `nobody` where the tests run as root.
pub(super) fn as_ordinary_user(program: &Program, place: &Path) -> End {
    if !rustix::process::getuid().is_root() {
        return program.serve(&[], &[]).ended();
    }
    // A copy where that user may read it.
    let executable = place.join("kaowei");
    std::fs::copy(super::KAOWEI, &executable).expect("the program can be copied");
    let executable = executable.to_str().expect("a path of letters");
    let data = program.data_dir().to_str().expect("a path of letters");
    let nobody = [
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--",
        executable,
    ];
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--metrics-listen",
        "127.0.0.1:0",
        "--data-dir",
        data,
    ];
    let wrapped = Program::new("setpriv", program.data_dir(), None);
    wrapped.serve_as(&[&nobody[..], &serve].concat(), &[]).ended()
}
