# Kaowei: what a developer runs. `make` alone lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

.PHONY: help run test lint fmt bench bench-quick

help: ## This list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Start the server on the demo sitting (a release build).
	cargo run --locked --release

test: ## Run every test; installs PostgreSQL's server from Debian's packages if there is none.
	.ci/test

lint: ## Check the format and run Clippy; any warning fails.
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings

fmt: ## Format all Rust code.
	cargo fmt --all

bench: ## Run all benches and print one table of ours and the baselines (release build; installs Redis and wrk).
	.ci/install-tools bench
	cargo bench --locked -p kaowei-benches --benches
	cargo build --locked --release -p kaowei
	cargo run --locked --release -p kaowei-benches --bin table
	cargo run --locked --release -p kaowei-benches --bin sustained

bench-quick: ## The same table in a few minutes: a lighter build, fewer and shorter rounds, no criterion.
	.ci/install-tools bench
	cargo build --locked --profile quick -p kaowei
	cargo run --locked --profile quick -p kaowei-benches --bin table -- --quick
