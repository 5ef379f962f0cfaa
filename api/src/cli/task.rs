//! The commands and their arguments.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use super::token::Lifetime;
use crate::settings::{ServeSettings, StoreSettings};

/// Kaowei 考位: the seat allocation engine of exam registration.
#[derive(Debug, Parser)]
#[command(
    name = "kaowei",
    version,
    about,
    after_help = "Without a command, kaowei serves. Settings: defaults < --config file < KAOWEI_… environment < flags; \
                  `kaowei serve --help` lists each with its default."
)]
pub(super) struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub(super) task: Task,
}

/// The command line, before a file of settings changes its defaults.
pub fn command_line() -> clap::Command {
    CommandLine::command()
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Task {
    /// Answer requests (the default)
    Serve(Box<ServeSettings>),
    /// Import a file: sitting, campuses, pools, students, cet4-results
    Import(ImportArguments),
    /// Write an export to standard output: claims, enrolments, orders, audit
    Export(ExportArguments),
    /// Make tokens with the server's own key
    #[command(subcommand)]
    Token(TokenTask),
    /// Make the tables anew from the journal, and compare both
    Rebuild(StoreSettings),
    /// Bring the store's schema up to date
    Migrate(StoreSettings),
    /// Write the OpenAPI document to standard output (reads no store)
    Openapi(StoreSettings),
    /// Verify the audit trail
    #[command(subcommand)]
    Audit(AuditTask),
}

/// What can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImportFile {
    /// The sitting, a JSON file; first of all
    Sitting,
    /// Campuses (CSV)
    Campuses,
    /// Pools (CSV)
    Pools,
    /// Student records (CSV)
    Students,
    /// CET4 results (CSV)
    Cet4Results,
}

/// Arguments of `import`.
#[derive(Debug, Clone, Args)]
pub struct ImportArguments {
    /// What the file holds
    pub kind: ImportFile,
    /// The file
    pub file: PathBuf,
    /// Only check, change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Leave bad lines out instead of changing nothing
    #[arg(long)]
    pub skip_bad: bool,
    /// Store and logs.
    #[command(flatten)]
    pub store: StoreSettings,
}

/// What can be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportName {
    /// Every claim ever made
    Claims,
    /// Every enrolment
    Enrolments,
    /// Every order
    Orders,
    /// The whole audit trail
    Audit,
}

/// Arguments of `export`.
#[derive(Debug, Clone, Args)]
pub struct ExportArguments {
    /// What to export
    pub kind: ExportName,
    /// Store and logs.
    #[command(flatten)]
    pub store: StoreSettings,
}

/// Whose tokens.
#[derive(Debug, Clone, Subcommand)]
pub enum TokenTask {
    /// A token of staff
    Staff {
        /// How far it sees: national, province:99, school:99101
        #[arg(long)]
        scope: String,
        /// Who holds it, as the audit trail names it
        #[arg(long, default_value = "cli")]
        subject: String,
        /// How long it lives: 30d, 12h, 90m, 45s
        #[arg(long, default_value = "30d")]
        valid_for: Lifetime,
        /// Store and logs.
        #[command(flatten)]
        store: StoreSettings,
    },
    /// One line `id_number,token` for each student of a students file
    Candidates {
        /// The students file (CSV)
        #[arg(long)]
        students: PathBuf,
        /// How long they live: 30d, 12h, 90m, 45s
        #[arg(long, default_value = "30d")]
        valid_for: Lifetime,
        /// Store and logs.
        #[command(flatten)]
        store: StoreSettings,
    },
    /// A token of one candidate
    Candidate {
        /// The province's code
        #[arg(long)]
        province: String,
        /// The kind of ID document
        #[arg(long, default_value = "resident_id")]
        id_type: String,
        /// Its number
        #[arg(long)]
        id_number: String,
        /// The name
        #[arg(long)]
        name: String,
        /// How long it lives: 30d, 12h, 90m, 45s
        #[arg(long, default_value = "30d")]
        valid_for: Lifetime,
        /// Store and logs.
        #[command(flatten)]
        store: StoreSettings,
    },
}

/// What to verify.
#[derive(Debug, Clone, Subcommand)]
pub enum AuditTask {
    /// Verify an audit.csv: nothing removed, nothing rewritten, nobody jumped the queue, nothing oversold
    Verify {
        /// The file that `kaowei export audit` wrote; no store is read
        export: PathBuf,
        /// Logs; the store's settings are taken as by every command.
        #[command(flatten)]
        store: StoreSettings,
    },
}

impl Task {
    /// Where everything is kept and how the command logs.
    pub(super) fn store(&self) -> &StoreSettings {
        match self {
            Self::Serve(settings) => &settings.store,
            Self::Import(arguments) => &arguments.store,
            Self::Export(arguments) => &arguments.store,
            Self::Token(
                TokenTask::Staff { store, .. }
                | TokenTask::Candidates { store, .. }
                | TokenTask::Candidate { store, .. },
            )
            | Self::Rebuild(store)
            | Self::Migrate(store)
            | Self::Openapi(store)
            | Self::Audit(AuditTask::Verify { store, .. }) => store,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed_and_every_setting_has_its_variable() {
        command_line().debug_assert();
        let command = command_line();
        let serve = command.find_subcommand("serve").unwrap();
        for argument in serve.get_arguments() {
            let id = argument.get_id().as_str();
            if id == "help" {
                continue;
            }
            let variable = argument
                .get_env()
                .unwrap_or_else(|| panic!("{id} has no variable"));
            assert_eq!(
                variable.to_str().unwrap(),
                format!("KAOWEI_{}", id.to_ascii_uppercase())
            );
            assert_eq!(argument.get_long().unwrap(), id.replace('_', "-"));
        }
    }

    #[test]
    fn commands_read_as_the_contract_writes_them() {
        for line in [
            "kaowei serve --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 --data-dir d",
            "kaowei import students s.csv --dry-run --skip-bad --store sqlite://x",
            "kaowei import cet4-results c.csv",
            "kaowei export audit",
            "kaowei token staff --scope national --subject me",
            "kaowei token candidates --students s.csv --valid-for 12h",
            "kaowei rebuild",
            "kaowei migrate",
            "kaowei openapi --data-dir d",
            "kaowei audit verify a.csv --store sqlite://x",
        ] {
            let parsed = CommandLine::try_parse_from(line.split(' '));
            assert!(parsed.is_ok(), "{line}: {parsed:?}");
        }
        assert!(CommandLine::try_parse_from(["kaowei", "import", "persons", "x"]).is_err());
    }
}
