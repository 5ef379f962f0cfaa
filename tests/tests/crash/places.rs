//! Places that can't be served from: each is refused with one sentence and exit code 1, and nothing is changed.
