//! Settings: defaults < file < `KAOWEI_…` environment < flags.
//!
//! Each setting is a flag of the command line with its variable; the file's values become the flags' defaults, so
//! `--help` shows what would be used. The file is TOML with the flags' names, `-` written `_`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, ValueEnum};
use http::HeaderName;
use kaowei_core::time::Span;
use kaowei_engine::{StoreUrl, SuppliedKey, SuppliedKeys};

use crate::auth::{AccountRate, OWN_ISSUER};
use crate::entry::{AccessSettings, PassportSettings};
use crate::notices::{Webhook, WebhookError};
use crate::server::Connections;
use crate::state::Limits;

const ENV_PREFIX: &str = "KAOWEI_";
/// The subcommand that has all settings.
const SERVE: &str = "serve";
/// The settings that are secret.
const KEYS: [&str; 3] = ["token_key", "seal_key", "index_key"];

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
    /// The key that signs tokens, in 64 hexadecimal digits; as the next two from the file or the environment alone [default: made at first start, kept in the store]
    #[arg(
        long,
        env = "KAOWEI_TOKEN_KEY",
        value_name = "HEX",
        hide_env_values = true,
        hide_default_value = true
    )]
    pub token_key: Option<SuppliedKey>,
    /// The key that seals persons' data; who loses it loses them [default: made at first start, kept in the store]
    #[arg(
        long,
        env = "KAOWEI_SEAL_KEY",
        value_name = "HEX",
        hide_env_values = true,
        hide_default_value = true
    )]
    pub seal_key: Option<SuppliedKey>,
    /// The key by which persons are found [default: made at first start, kept in the store]
    #[arg(
        long,
        env = "KAOWEI_INDEX_KEY",
        value_name = "HEX",
        hide_env_values = true,
        hide_default_value = true
    )]
    pub index_key: Option<SuppliedKey>,
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
    /// Whether registration and login ask for a captcha; off is for tests and load tests
    #[arg(long, env = "KAOWEI_CAPTCHA", value_name = "SWITCH", default_value = "on")]
    pub captcha: Switch,
    /// Registrations, logins and resets a minute from one address; 0 for no limit
    #[arg(
        long,
        env = "KAOWEI_ENTRIES_PER_MINUTE",
        value_name = "N",
        default_value_t = 100
    )]
    pub entries_per_minute: u32,
    /// How long a login lasts
    #[arg(long, env = "KAOWEI_SESSION_SECONDS", value_name = "SECONDS", default_value_t = 43_200,
        value_parser = clap::value_parser!(u32).range(60..=2_592_000))]
    pub session_seconds: u32,
    /// The header in which a proxy in front tells the client's address; only where every request comes through one
    #[arg(long, env = "KAOWEI_CLIENT_ADDRESS_HEADER", value_name = "NAME")]
    pub client_address_header: Option<HeaderName>,
    /// Threads of low priority that hash passwords; more logins than they can serve are answered `overloaded` [default: one for two cores]
    #[arg(long, env = "KAOWEI_HASH_THREADS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub hash_threads: Option<u16>,
    /// The outside passport system: the `iss` of its tokens
    #[arg(long, env = "KAOWEI_PASSPORT_ISSUER", value_name = "ISSUER")]
    pub passport_issuer: Option<String>,
    /// Where its public keys are (JWKS)
    #[arg(long, env = "KAOWEI_PASSPORT_JWKS_URL", value_name = "URL")]
    pub passport_jwks_url: Option<reqwest::Url>,
    /// The `aud` that its tokens for this server have; any if absent
    #[arg(long, env = "KAOWEI_PASSPORT_AUDIENCE", value_name = "AUDIENCE")]
    pub passport_audience: Option<String>,
    /// Candidates' streams of events at the same time; each takes a connection. Staff have 256 of their own
    #[arg(long, env = "KAOWEI_EVENT_STREAMS_MAX", value_name = "N", default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub event_streams_max: u32,
    /// Where notices to candidates are handed to, with their phone numbers: https://…, or http:// on this machine
    #[arg(long, env = "KAOWEI_WEBHOOK_URL", value_name = "URL", hide_env_values = true)]
    pub webhook_url: Option<String>,
    /// The file with the secret that signs what the webhook is sent, of 16 bytes at the least
    #[arg(long, env = "KAOWEI_WEBHOOK_SECRET_FILE", value_name = "FILE")]
    pub webhook_secret_file: Option<PathBuf>,
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
        settings.keys = SuppliedKeys {
            token: self.token_key,
            seal: self.seal_key,
            index: self.index_key,
        };
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
        if let Some(threads) = self.hash_threads {
            settings.costly_threads = threads.into();
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
            streams_max: usize::try_from(self.event_streams_max).unwrap_or(usize::MAX),
        }
    }

    /// How candidates get in.
    ///
    /// # Errors
    /// [`SettingsError::Passport`].
    pub fn access(&self) -> Result<AccessSettings, SettingsError> {
        let passport = match (&self.passport_issuer, &self.passport_jwks_url) {
            (Some(issuer), Some(jwks_url)) => Some(PassportSettings {
                issuer: issuer.clone(),
                audience: self.passport_audience.clone(),
                jwks_url: jwks_url.clone(),
            }),
            (None, None) if self.passport_audience.is_none() => None,
            _ => return Err(SettingsError::Passport),
        };
        if passport
            .as_ref()
            .is_some_and(|passport| passport.issuer == OWN_ISSUER)
        {
            return Err(SettingsError::OwnIssuer);
        }
        Ok(AccessSettings {
            captcha: self.captcha == Switch::On,
            entries_per_minute: self.entries_per_minute,
            session: Span::from_secs(self.session_seconds),
            client_address_header: self.client_address_header.clone(),
            passport,
        })
    }

    /// Where notices are handed to, if anywhere.
    ///
    /// # Errors
    /// [`WebhookError`]
    pub fn webhook(&self) -> Result<Option<Webhook>, WebhookError> {
        let file = self.webhook_secret_file.as_deref();
        let url = self.webhook_url.as_deref();
        url.map(|url| Webhook::from_file(url, file)).transpose()
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
    /// A key where everybody sees it.
    #[error(
        "{key} can't be given as an argument, which every process of the machine can read: set it in the --config file or the environment"
    )]
    KeyInArguments {
        /// The setting.
        key: &'static str,
    },
    /// Half of an outside passport.
    #[error("an outside passport needs both --passport-issuer and --passport-jwks-url")]
    Passport,
    /// An outside passport can't pass for this server.
    #[error("--passport-issuer can't be {OWN_ISSUER:?}: that is this server's own name in its tokens")]
    OwnIssuer,
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

/// Refuses keys among the arguments, which every process of the machine can read.
///
/// # Errors
/// [`SettingsError::KeyInArguments`]
pub fn refuse_keys_in_arguments(matches: &ArgMatches) -> Result<(), SettingsError> {
    let given = KEYS.into_iter().find(|key| {
        matches.try_contains_id(key).is_ok() && matches.value_source(key) == Some(ValueSource::CommandLine)
    });
    match (given, matches.subcommand()) {
        (Some(key), _) => Err(SettingsError::KeyInArguments { key }),
        (None, Some((_, inner))) => refuse_keys_in_arguments(inner),
        (None, None) => Ok(()),
    }
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
    fn a_passport_is_set_whole_or_not_at_all_and_never_passes_for_this_server() {
        let access = |text: &str| serve(text, &["kaowei", "serve"]).access();
        let issuer = "passport_issuer = \"https://passport.example\"\n";
        let keys = "passport_jwks_url = \"https://passport.example/keys\"\n";
        assert!(access("").unwrap().passport.is_none());
        let passport = access(&format!("{issuer}{keys}")).unwrap().passport.unwrap();
        assert_eq!(passport.jwks_url.path(), "/keys");
        for half in [issuer, keys, "passport_audience = \"kaowei\"\n"] {
            assert!(matches!(access(half), Err(SettingsError::Passport)), "{half}");
        }
        let own = format!("passport_issuer = \"kaowei\"\n{keys}");
        assert!(matches!(access(&own), Err(SettingsError::OwnIssuer)));
    }

    #[test]
    fn keys_come_from_the_file_and_are_shown_by_no_help() {
        let key = "0f".repeat(32);
        let settings = serve(&format!("seal_key = \"{key}\"\n"), &["kaowei", "serve"]);
        assert_eq!(settings.store.seal_key, Some(key.parse().unwrap()));
        assert!(!format!("{settings:?}").contains(&key));
        let command = with_text(
            command_line(),
            Path::new("k.toml"),
            &format!("seal_key = \"{key}\"\n"),
        );
        let mut command = command.unwrap();
        let serve = command.find_subcommand_mut(SERVE).unwrap();
        assert!(!serve.render_long_help().to_string().contains(&key));
    }

    #[test]
    fn keys_are_not_taken_from_the_arguments() {
        let key = "0f".repeat(32);
        let check = |file: &str, arguments: &[&str]| {
            let command = with_text(command_line(), Path::new("k.toml"), file).unwrap();
            refuse_keys_in_arguments(&command.try_get_matches_from(arguments).unwrap())
        };
        check(&format!("seal_key = \"{key}\"\n"), &["kaowei", "serve"]).unwrap();
        for arguments in [
            ["kaowei", "serve", "--seal-key", &key].as_slice(),
            &[
                "kaowei",
                "token",
                "staff",
                "--scope",
                "national",
                "--token-key",
                &key,
            ],
        ] {
            let refused = check("", arguments).unwrap_err().to_string();
            assert!(
                refused.contains("_key can't") && !refused.contains(&key),
                "{refused}"
            );
        }
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
