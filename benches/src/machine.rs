//! What was on the machine while it measured: a figure means little without.

use std::fs;
use std::process::Command;

/// Cores, load and the disk under the stores, in a line.
pub fn description() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let folder = std::env::temp_dir();
    let disk = file_system(&folder.to_string_lossy());
    format!(
        "{cores} cores, load average {load} now, stores in {} ({disk})",
        folder.display()
    )
}

/// What a program says of its version, or that it is not here.
pub fn version(program: &str, argument: &str) -> String {
    let Ok(output) = Command::new(program).arg(argument).output() else {
        return format!("no {program}");
    };
    let told = if output.stdout.is_empty() {
        output.stderr
    } else {
        output.stdout
    };
    let told = String::from_utf8_lossy(&told).into_owned();
    told.lines().next().unwrap_or_default().trim().to_owned()
}

/// The type of the file system that holds `path`: on tmpfs a durable commit costs nothing and means nothing.
fn file_system(path: &str) -> String {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let holds = |point: &str| point == "/" || path == point || path.starts_with(&format!("{point}/"));
    let fields = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let nearest = fields
        .filter(|(point, _)| holds(point))
        .max_by_key(|(point, _)| point.len());
    nearest.map_or_else(|| "unknown file system".to_owned(), |(_, kind)| kind.to_owned())
}
