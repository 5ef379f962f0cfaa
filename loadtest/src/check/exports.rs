//! The server's exports as the judge takes them: CSV files, the list of pools, and a provider's books.
//!
//! Promises: columns are found by name, in any order, with more beside them; files are read row by row, never
//! whole; a column that is missing or a row that can't be read is an error with its line, not a violation.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Why the exports can't be judged.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A file that can't be opened.
    #[error("can't read {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that is not CSV.
    #[error("{export} is not readable as CSV")]
    Csv {
        /// Which export.
        export: &'static str,
        /// Why.
        source: csv::Error,
    },
    /// A column that the check needs.
    #[error("{export} has no column {column}")]
    Column {
        /// Which export.
        export: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A value of the wrong form.
    #[error("{export}, line {line}: {column} is malformed: {value:?}")]
    Value {
        /// Which export.
        export: &'static str,
        /// The line.
        line: u64,
        /// The column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
    /// The list of pools is not what `GET /v1/staff/pools` answers.
    #[error("the list of pools can't be read: {0}")]
    Pools(String),
    /// The provider's books are not what `GET /v1/staff/sandbox` answers.
    #[error("the provider's books can't be read: {0}")]
    Provider(String),
}

/// Where an export is.
#[derive(Clone, Debug)]
pub enum Source {
    /// In memory.
    Text(String),
    /// In a file.
    File(PathBuf),
}

/// One pool as the staff's list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolRow {
    /// Its id.
    pub id: String,
    /// Its capacity.
    pub capacity: u64,
    /// Seats held.
    pub held: u64,
    /// Seats paid.
    pub paid: u64,
    /// Length of its queue.
    pub waiting: u64,
    /// The sequence number of its latest event, where told.
    pub seq: Option<u64>,
    /// `written` or `oral`, where known.
    pub paper: Option<String>,
    /// Four or six, where known.
    pub level: Option<u64>,
}

/// All that the judge needs of the server.
#[derive(Clone, Debug)]
pub struct Exports {
    /// `GET /v1/staff/exports/claims.csv`
    pub claims: Source,
    /// `GET /v1/staff/exports/audit.csv`
    pub audit: Source,
    /// `GET /v1/staff/pools`, all pages of it.
    pub pools: Vec<PoolRow>,
    /// `GET /v1/staff/exports/orders.csv`, where it was fetched.
    pub orders: Option<Source>,
    /// What the provider says that it has received and given back, in fen, where it was asked.
    pub provider: Option<[u64; 2]>,
}

impl Exports {
    /// From the texts of `claims.csv`, `audit.csv` and the JSON list of pools.
    pub fn from_texts(
        claims: impl Into<String>,
        audit: impl Into<String>,
        pools_json: &str,
    ) -> Result<Self, CheckError> {
        Ok(Self {
            claims: Source::Text(claims.into()),
            audit: Source::Text(audit.into()),
            pools: PoolRow::list(pools_json)?,
            orders: None,
            provider: None,
        })
    }

    /// From files of the same.
    pub fn from_files(claims: &Path, audit: &Path, pools_json: &Path) -> Result<Self, CheckError> {
        let pools = std::fs::read_to_string(pools_json).map_err(|source| CheckError::File {
            path: pools_json.to_owned(),
            source,
        })?;
        Ok(Self {
            claims: Source::File(claims.to_owned()),
            audit: Source::File(audit.to_owned()),
            pools: PoolRow::list(&pools)?,
            orders: None,
            provider: None,
        })
    }

    /// With `orders.csv` and `sandbox.json` where a folder has them.
    pub fn with_money(self, folder: &Path) -> Result<Self, CheckError> {
        let (orders, books) = (folder.join("orders.csv"), folder.join("sandbox.json"));
        let exports = if orders.exists() {
            self.with_orders(Source::File(orders))
        } else {
            self
        };
        if !books.exists() {
            return Ok(exports);
        }
        let json =
            std::fs::read_to_string(&books).map_err(|source| CheckError::File { path: books, source })?;
        exports.with_provider(&json)
    }

    /// With `orders.csv`.
    #[must_use]
    pub fn with_orders(self, orders: Source) -> Self {
        Self {
            orders: Some(orders),
            ..self
        }
    }

    /// With what `GET /v1/staff/sandbox` answers.
    pub fn with_provider(self, json: &str) -> Result<Self, CheckError> {
        let books: Value =
            serde_json::from_str(json).map_err(|error| CheckError::Provider(error.to_string()))?;
        let fen = |name: &str| {
            let told = books[name].as_u64();
            told.ok_or_else(|| CheckError::Provider(format!("{name} is not a number: {}", books[name])))
        };
        Ok(Self {
            provider: Some([fen("received_fen")?, fen("refunded_fen")?]),
            ..self
        })
    }
}

impl PoolRow {
    /// Reads `{pools: […]}`, a bare array, or several such objects one after another (the pages).
    pub fn list(json: &str) -> Result<Vec<Self>, CheckError> {
        let mut rows = Vec::new();
        for page in serde_json::Deserializer::from_str(json).into_iter::<Value>() {
            let page = page.map_err(|error| CheckError::Pools(error.to_string()))?;
            let list = page.get("pools").unwrap_or(&page);
            let list = list
                .as_array()
                .ok_or_else(|| CheckError::Pools("it holds no array of pools".into()))?;
            for pool in list {
                rows.push(Self::of(pool)?);
            }
        }
        Ok(rows)
    }

    fn of(pool: &Value) -> Result<Self, CheckError> {
        let id = pool["id"]
            .as_str()
            .ok_or_else(|| CheckError::Pools(format!("a pool without an id: {pool}")))?;
        let number = |name: &str| {
            pool[name].as_u64().ok_or_else(|| {
                CheckError::Pools(format!("pool {id}: {name} is not a number: {}", pool[name]))
            })
        };
        let subject = if pool["subject"].is_object() {
            &pool["subject"]
        } else {
            pool
        };
        let (paper, level) = known_subject(id.rsplit('-').next().unwrap_or_default());
        Ok(Self {
            id: id.to_owned(),
            capacity: number("capacity")?,
            held: number("held")?,
            paid: number("paid")?,
            waiting: number("waiting")?,
            seq: pool["seq"].as_u64(),
            paper: subject["paper"].as_str().or(paper).map(str::to_owned),
            level: subject["level"].as_u64().or(level),
        })
    }
}

/// Paper and level of the catalogue's eleven subjects (1.2), for a list that does not tell them.
fn known_subject(code: &str) -> (Option<&'static str>, Option<u64>) {
    match code {
        "1" | "3" | "5" | "7" | "9" => (Some("written"), Some(4)),
        "2" | "4" | "6" | "8" => (Some("written"), Some(6)),
        "F" => (Some("oral"), Some(4)),
        "S" => (Some("oral"), Some(6)),
        _ => (None, None),
    }
}

impl Source {
    fn open(&self) -> Result<Box<dyn Read + '_>, CheckError> {
        match self {
            Self::Text(text) => Ok(Box::new(text.as_bytes())),
            Self::File(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(BufReader::with_capacity(1 << 20, file))),
                Err(source) => Err(CheckError::File {
                    path: path.clone(),
                    source,
                }),
            },
        }
    }
}

/// The rows of one export, its columns found by name.
pub(super) struct Rows<'a> {
    export: &'static str,
    columns: Vec<(&'static str, usize)>,
    reader: csv::Reader<Box<dyn Read + 'a>>,
    row: csv::StringRecord,
}

impl<'a> Rows<'a> {
    pub(super) fn open(
        source: &'a Source,
        export: &'static str,
        wanted: &[&'static str],
    ) -> Result<Self, CheckError> {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(false)
            .from_reader(source.open()?);
        let headers = reader
            .headers()
            .map_err(|source| CheckError::Csv { export, source })?;
        let places: HashMap<&str, usize> = headers.iter().enumerate().map(|(at, name)| (name, at)).collect();
        let columns = wanted.iter().map(|&column| {
            let place = places.get(column).copied();
            place
                .map(|place| (column, place))
                .ok_or(CheckError::Column { export, column })
        });
        let columns = columns.collect::<Result<_, _>>()?;
        Ok(Self {
            export,
            columns,
            reader,
            row: csv::StringRecord::new(),
        })
    }

    /// Goes to the next row; false at the end.
    pub(super) fn advance(&mut self) -> Result<bool, CheckError> {
        let export = self.export;
        self.reader
            .read_record(&mut self.row)
            .map_err(|source| CheckError::Csv { export, source })
    }

    /// The line of the present row.
    pub(super) fn line(&self) -> u64 {
        self.row.position().map_or(0, csv::Position::line)
    }

    /// The nth of the wanted columns.
    pub(super) fn text(&self, nth: usize) -> &str {
        self.row.get(self.columns[nth].1).unwrap_or_default()
    }

    /// The nth of the wanted columns as a number.
    pub(super) fn number<N: std::str::FromStr>(&self, nth: usize) -> Result<N, CheckError> {
        self.text(nth).parse().map_err(|_| self.malformed(nth))
    }

    pub(super) fn malformed(&self, nth: usize) -> CheckError {
        CheckError::Value {
            export: self.export,
            line: self.line(),
            column: self.columns[nth].0,
            value: self.text(nth).to_owned(),
        }
    }
}
