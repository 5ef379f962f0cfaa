//! How much memory this process uses, as Linux tells it.

use std::fs;

/// Forgets the peak so far; the bytes in use now.
pub fn forget_peak() -> u64 {
    fs::write("/proc/self/clear_refs", "5").expect("Linux lets a process forget its own peak");
    read("VmRSS:")
}

/// The most bytes that were in use since the peak was forgotten.
pub fn peak() -> u64 {
    read("VmHWM:")
}

fn read(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("a process may read its own status");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    kibibytes
        .expect("Linux tells it")
        .trim()
        .parse::<u64>()
        .expect("a number")
        * 1_024
}
