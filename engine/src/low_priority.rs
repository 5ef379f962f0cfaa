//! Threads that step back where cores are short, so that what they do never shows in the latency of claims.

/// How far they step back: about a tenth of a core is left to each.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Lets the current thread step back; `what` it does is for the log. Elsewhere than on Linux a priority is the whole
/// process's.
#[cfg_attr(
    not(target_os = "linux"),
    expect(unused_variables, reason = "nothing is done, so nothing fails")
)]
pub(crate) fn step_back(what: &str) {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::warn!(%error, work = what, "a thread's priority can't be lowered: it may show in the latency of claims");
    }
}
