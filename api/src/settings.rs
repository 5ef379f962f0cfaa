//! Settings: defaults < file < `KAOWEI_…` environment < flags.
//!
//! Each setting is a flag of the command line with its variable; the file's values become the flags' defaults, so
//! `--help` shows what would be used. The file is TOML with the flags' names, `-` written `_`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Command, ValueEnum};
use kaowei_engine::StoreUrl;

use crate::auth::AccountRate;
use crate::server::Connections;
use crate::state::Limits;

const ENV_PREFIX: &str = "KAOWEI_";
/// The subcommand that has all settings.
const SERVE: &str = "serve";

/// Where everything is kept, and how it is logged: of every command.
#[derive(Debug, Clone, Args)]
pub struct StoreSettings {
    /// Where everything is kept.
    #[arg(
        long,
        help = "The store: sqlite://PATH or postgres://USER@HOST/DATABASE [default: a SQLite file in the data folder]",
        env = "KAOWEI_STORE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub store: Option<String>,
    /// The folder of the lock, of uploads and, by default, of the store
    #[arg(
        long,
        env = "KAOWEI_DATA_DIR",
        value_name = "DIR",
        default_value = "./kaowei-data"
    )]
    pub data_dir: PathBuf,
    /// A file of settings (TOML); flags and environment go before it
    #[arg(long, env = "KAOWEI_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What is logged to standard error: error, warn, info, debug, or a filter by module [default: info for serve, else warn]
    #[arg(long, env = "KAOWEI_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// How it is logged
    #[arg(
        long,
        env = "KAOWEI_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// Everything that `serve` can be told.
#[derive(Debug, Clone, Args)]
pub struct ServeSettings {
    /// Store and logs.
    #[command(flatten)]
    pub store: StoreSettings,
    /// Where to answer; port 0 lets the system choose
    #[arg(
        long,
        env = "KAOWEI_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080"
    )]
    pub listen: SocketAddr,
    /// Where to serve the metrics to Prometheus
    #[arg(
        long,
        env = "KAOWEI_METRICS_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:9090"
    )]
    pub metrics_listen: SocketAddr,
    /// Threads that serve: each speaks HTTP and runs its share of the pools [default: one a core]
    #[arg(long, env = "KAOWEI_THREADS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub threads: Option<u16>,
    /// Claims that are decided at the same time; more are answered `overloaded`
    #[arg(long, env = "KAOWEI_CLAIMS_IN_FLIGHT_MAX", value_name = "N", default_value_t = 8_192,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub claims_in_flight_max: u32,
    /// Connections at the same time; more wait to be accepted
    #[arg(long, env = "KAOWEI_CONNECTIONS_MAX", value_name = "N", default_value_t = 20_000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub connections_max: u32,
    /// How long one request may take, but for imports and exports
    #[arg(long, env = "KAOWEI_REQUEST_SECONDS_MAX", value_name = "SECONDS", default_value_t = 30,
        value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub request_seconds_max: u32,
    /// How long requests, and then the store, may take after the server was told to stop; the store has 5 s at the least
    #[arg(long, env = "KAOWEI_STOP_SECONDS_MAX", value_name = "SECONDS", default_value_t = 30,
        value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub stop_seconds_max: u32,
    /// The largest file that can be imported over HTTP
    #[arg(
        long,
        env = "KAOWEI_IMPORT_BYTES_MAX",
        value_name = "BYTES",
        default_value_t = 4_294_967_296
    )]
    pub import_bytes_max: u64,
    /// Requests a second of one account, sustained, at least 50; 0 for no limit
    #[arg(long, env = "KAOWEI_ACCOUNT_RATE", value_name = "N", default_value_t = 50, value_parser = account_rate)]
    pub account_rate: u32,
    /// Requests of one account at once after a pause
    #[arg(long, env = "KAOWEI_ACCOUNT_BURST", value_name = "N", default_value_t = 250)]
    pub account_burst: u32,
    /// Whether there is the sandbox, a payment provider of the server's own by which no money moves
    #[arg(long, env = "KAOWEI_SANDBOX", value_name = "SWITCH", default_value = "on")]
    pub sandbox: Switch,
    /// Whether an empty store gets the demo sitting
    #[arg(long, env = "KAOWEI_DEMO", value_name = "SWITCH", default_value = "on")]
    pub demo: Switch,
}

fn account_rate(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(rate) if rate == 0 || rate >= 50 => Ok(rate),
        Ok(_) => Err("an account may ask at least 50 times a second; 0 means no limit".into()),
        Err(_) => Err("expected a whole number".into()),
    }
}

impl StoreSettings {
    /// What the engine is opened with.
    ///
    /// # Errors
    /// A sentence that says what a store's address looks like.
    pub fn engine(&self) -> Result<kaowei_engine::Settings, kaowei_engine::OpenError> {
        let mut settings = kaowei_engine::Settings::embedded(&self.data_dir);
        if let Some(url) = &self.store {
            settings.store = url.parse::<StoreUrl>()?;
        }
        Ok(settings)
    }
}

impl ServeSettings {
    /// What the engine is opened with.
    ///
    /// # Errors
    /// A sentence that says what a store's address looks like.
    pub fn engine(&self) -> Result<kaowei_engine::Settings, kaowei_engine::OpenError> {
        let mut settings = self.store.engine()?;
        settings.claims_in_flight_max = usize::try_from(self.claims_in_flight_max).unwrap_or(usize::MAX);
        settings.sandbox = self.sandbox == Switch::On;
        if let Some(threads) = self.threads {
            settings.arbiters = threads.into();
        }
        Ok(settings)
    }

    /// How requests are limited.
    pub fn limits(&self) -> Limits {
        Limits {
            account_rate: AccountRate {
                per_second: self.account_rate,
                burst: self.account_burst,
            },
            import_bytes_max: self.import_bytes_max,
            request_seconds_max: self.request_seconds_max,
        }
    }

    /// How connections are limited.
    pub fn connections(&self) -> Connections {
        Connections {
            max: usize::try_from(self.connections_max).unwrap_or(usize::MAX),
            stop_time_max: std::time::Duration::from_secs(self.stop_seconds_max.into()),
        }
    }
}

/// Why the file of settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It can't be read.
    #[error("the settings file {} can't be read; check --config", file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no TOML.
    #[error("the settings file {} is not TOML: {problem}", file.display())]
    Parse {
        /// Which.
        file: PathBuf,
        /// What is wrong, in one line.
        problem: String,
    },
    /// It has a key that is no setting.
    #[error("the settings file {} has the unknown setting {key:?}; `kaowei serve --help` lists all of them", file.display())]
    Unknown {
        /// Which.
        file: PathBuf,
        /// The key.
        key: String,
    },
    /// A value is neither text, number nor switch.
    #[error("the setting {key:?} in {} must be a text, a number, true or false", file.display())]
    Value {
        /// Which.
        file: PathBuf,
        /// The key.
        key: String,
    },
}

/// The file that the arguments or the environment name.
pub fn file_named(arguments: &[OsString], environment: Option<OsString>) -> Option<PathBuf> {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--config" {
            return arguments.next().map(PathBuf::from);
        }
        if let Some(file) = argument.to_str().and_then(|text| text.strip_prefix("--config=")) {
            return Some(file.into());
        }
    }
    environment.filter(|file| !file.is_empty()).map(PathBuf::from)
}

/// Makes a file's values the defaults of the flags with those names, in every subcommand that has them.
///
/// # Errors
/// [`SettingsError`]
pub fn with_file(command: Command, file: &Path) -> Result<Command, SettingsError> {
    let text = std::fs::read_to_string(file).map_err(|source| SettingsError::Read {
        file: file.into(),
        source,
    })?;
    with_text(command, file, &text)
}

fn with_text(command: Command, file: &Path, text: &str) -> Result<Command, SettingsError> {
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| SettingsError::Parse {
            file: file.into(),
            problem: error.message().into(),
        })?;
    let known = setting_names(&command);
    let mut values = Vec::with_capacity(table.len());
    for (key, value) in table {
        if !known.contains(&key) || key == "config" {
            return Err(SettingsError::Unknown {
                file: file.into(),
                key,
            });
        }
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Float(number) => number.to_string(),
            toml::Value::Boolean(true) => "on".into(),
            toml::Value::Boolean(false) => "off".into(),
            toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => {
                return Err(SettingsError::Value {
                    file: file.into(),
                    key,
                });
            }
        };
        // Defaults live as long as the command line, which lives as long as the process.
        values.push((key, &*value.leak()));
    }
    Ok(command.mut_subcommands(|subcommand| with_defaults(subcommand, &values)))
}

fn with_defaults(command: Command, values: &[(String, &'static str)]) -> Command {
    let command = command.mut_subcommands(|subcommand| with_defaults(subcommand, values));
    command.mut_args(|argument| {
        let value = values
            .iter()
            .find(|(key, _)| argument.get_id().as_str() == key && argument.get_env().is_some());
        match value {
            Some((_, value)) => argument.default_value(*value),
            None => argument,
        }
    })
}

fn setting_names(command: &Command) -> Vec<String> {
    let serve = command.find_subcommand(SERVE);
    serve
        .into_iter()
        .flat_map(Command::get_arguments)
        .filter(|argument| argument.get_env().is_some())
        .map(|argument| argument.get_id().to_string())
        .collect()
}

/// The variables that look like settings and are none.
pub fn unknown_variables(command: &Command, names: impl Iterator<Item = OsString>) -> Vec<String> {
    let known = setting_names(command);
    names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| {
            name.strip_prefix(ENV_PREFIX)
                .is_some_and(|rest| !known.contains(&rest.to_ascii_lowercase()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use clap::{FromArgMatches, Subcommand};

    use super::*;
    use crate::cli::command_line;

    fn serve(file: &str, arguments: &[&str]) -> ServeSettings {
        let command = with_text(command_line(), Path::new("kaowei.toml"), file).unwrap();
        let matches = command.try_get_matches_from(arguments).unwrap();
        match crate::cli::Task::from_arg_matches(&matches).unwrap() {
            crate::cli::Task::Serve(settings) => *settings,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_file_goes_before_the_defaults_and_flags_before_the_file() {
        assert!(crate::cli::Task::has_subcommand(SERVE));
        let file = "listen = \"127.0.0.1:1\"\naccount_rate = 70\ndemo = false\n";
        let settings = serve(file, &["kaowei", "serve"]);
        assert_eq!(settings.listen.port(), 1);
        assert_eq!(settings.account_rate, 70);
        assert_eq!(settings.demo, Switch::Off);
        assert_eq!(settings.metrics_listen.port(), 9090);
        let settings = serve(file, &["kaowei", "serve", "--listen", "127.0.0.1:2"]);
        assert_eq!(settings.listen.port(), 2);
    }

    #[test]
    fn an_unknown_key_and_a_wrong_value_are_refused_with_what_to_do() {
        let refused = |text| {
            with_text(command_line(), Path::new("k.toml"), text)
                .unwrap_err()
                .to_string()
        };
        assert!(refused("lisen = 1").contains("\"lisen\"; `kaowei serve --help` lists"));
        assert!(refused("listen = [1]").contains("must be a text"));
        assert!(refused("listen = ").contains("not TOML"));
        assert!(refused("config = \"x\"").contains("unknown setting"));
    }

    #[test]
    fn variables_that_are_no_settings_are_found() {
        let names = ["KAOWEI_LISTEN", "KAOWEI_LISTN", "PATH"].map(OsString::from);
        assert_eq!(
            unknown_variables(&command_line(), names.into_iter()),
            ["KAOWEI_LISTN"]
        );
    }

    #[test]
    fn the_file_is_named_by_flag_or_environment() {
        let arguments = ["kaowei", "serve", "--config", "a.toml"].map(OsString::from);
        assert_eq!(
            file_named(&arguments, Some("b.toml".into())),
            Some("a.toml".into())
        );
        assert_eq!(
            file_named(&arguments[..2], Some("b.toml".into())),
            Some("b.toml".into())
        );
        assert_eq!(file_named(&["--config=c".into()], None), Some("c".into()));
        assert_eq!(file_named(&[], None), None);
    }
}
