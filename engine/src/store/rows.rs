//! Statements over many rows, whose values are bound one by one. They say `{rows}` where their rows are read; the rest of
//! the text is the same for both stores.
//!
//! PostgreSQL takes one array a column and so one statement for all rows. SQLite has no arrays: there a statement takes
//! as many rows as its text has places, and is carried out once for each of a few sizes.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::sync::Arc;

use kaowei_core::ids::{
    CampusCode, CandidateId, OrderId, PoolId, ProvinceCode, SchoolCode, Sequence, StaffAccountId, SubjectCode,
};
use kaowei_core::time::Moment;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Connection, FromRow, Postgres, Sqlite};

use super::journal::stored_sequence;
use super::{Db, on};

/// Where the text of a statement reads its rows.
const ROWS: &str = "{rows}";

/// How many rows the largest statement takes on SQLite; smaller ones are its halves, so that few prepared statements
/// serve any number of rows.
pub(super) const SQLITE_ROWS: [usize; 8] = [128, 64, 32, 16, 8, 4, 2, 1];

/// A value in a row, or none.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    Integer(Option<i64>),
    Text(Option<Cow<'a, str>>),
    Bytes(Option<Cow<'a, [u8]>>),
}

/// One statement with its rows.
#[derive(Debug)]
pub(crate) struct Statement<'a> {
    sql: Cow<'static, str>,
    columns: &'static [&'static str],
    /// Row after row.
    values: Vec<Value<'a>>,
}

impl<'a> Statement<'a> {
    /// A statement that reads `rows` where it says `{rows}`.
    pub(crate) fn new<const N: usize>(
        sql: impl Into<Cow<'static, str>>,
        columns: &'static [&'static str; N],
        rows: impl IntoIterator<Item = [Value<'a>; N]>,
    ) -> Self {
        Self {
            sql: sql.into(),
            columns,
            values: rows.into_iter().flatten().collect(),
        }
    }

    /// Adds rows, or replaces those that are there by key.
    pub(crate) fn upsert<const N: usize>(
        table: &str,
        key: &[&str],
        columns: &'static [&'static str; N],
        rows: impl IntoIterator<Item = [Value<'a>; N]>,
    ) -> Self {
        let names = columns.join(", ");
        let updates: Vec<String> = columns
            .iter()
            .filter(|name| !key.contains(name))
            .map(|name| format!("{name} = excluded.{name}"))
            .collect();
        let (key, updates) = (key.join(", "), updates.join(", "));
        let sql = format!(
            "INSERT INTO {table} ({names}) {ROWS} WHERE true ON CONFLICT ({key}) DO UPDATE SET {updates}"
        );
        Self::new(sql, columns, rows)
    }

    /// Its parts for SQLite, each with some of its rows.
    fn for_sqlite(&self) -> impl Iterator<Item = Query<'_, Sqlite, SqliteArguments>> {
        let mut left = self.values.as_slice();
        SQLITE_ROWS.into_iter().flat_map(move |rows| {
            let parts = left.chunks_exact(rows * self.columns.len());
            left = parts.remainder();
            let sql: LazyCell<Arc<str>, _> =
                LazyCell::new(move || self.sql.replace(ROWS, &sqlite_rows(self.columns, rows)).into());
            parts.map(move |values| {
                let query = sqlx::query(AssertSqlSafe(Arc::clone(&sql)));
                values.iter().fold(query, |query, value| match value {
                    Value::Integer(number) => query.bind(*number),
                    Value::Text(text) => query.bind(text.as_deref()),
                    Value::Bytes(bytes) => query.bind(bytes.as_deref()),
                })
            })
        })
    }

    /// It as a whole for PostgreSQL; none where it has no rows.
    fn for_postgres(&self) -> Option<Query<'_, Postgres, PgArguments>> {
        let (first, _) = self.values.split_at_checked(self.columns.len())?;
        let sql = self.sql.replace(ROWS, &postgres_rows(self.columns, first));
        let query = sqlx::query(AssertSqlSafe(sql));
        let query = first.iter().enumerate().fold(query, |query, (n, kind)| {
            let column = self.values.iter().skip(n).step_by(self.columns.len());
            match kind {
                Value::Integer(_) => query.bind(column.map(Value::integer).collect::<Vec<_>>()),
                Value::Text(_) => query.bind(column.map(Value::text).collect::<Vec<_>>()),
                Value::Bytes(_) => query.bind(column.map(Value::bytes).collect::<Vec<_>>()),
            }
        });
        Some(query)
    }
}

impl Value<'_> {
    fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => *number,
            Self::Text(_) | Self::Bytes(_) => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => text.as_deref(),
            Self::Integer(_) | Self::Bytes(_) => None,
        }
    }

    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => bytes.as_deref(),
            Self::Integer(_) | Self::Text(_) => None,
        }
    }
}

/// What can stand in a row, and as what.
macro_rules! values {
    ($($type:ty => $variant:ident($value:ident: $written:expr);)*) => {$(
        impl<'a> From<$type> for Value<'a> {
            fn from($value: $type) -> Self {
                Self::$variant(Some($written))
            }
        }

        impl<'a> From<Option<$type>> for Value<'a> {
            fn from(value: Option<$type>) -> Self {
                Self::$variant(value.map(|$value| $written))
            }
        }
    )*};
}

values! {
    i64 => Integer(number: number);
    u32 => Integer(number: number.into());
    u8 => Integer(number: number.into());
    bool => Integer(holds: holds.into());
    Moment => Integer(at: at.unix_ms());
    Sequence => Integer(sequence: stored_sequence(sequence));
    CandidateId => Integer(candidate: candidate.0);
    StaffAccountId => Integer(staff: staff.0);
    &'a str => Text(text: text.into());
    String => Text(text: text.into());
    PoolId => Text(pool: pool.to_string().into());
    OrderId => Text(order: order.to_string().into());
    &'a ProvinceCode => Text(code: code.as_str().into());
    &'a SchoolCode => Text(code: code.as_str().into());
    &'a CampusCode => Text(code: code.as_str().into());
    &'a SubjectCode => Text(code: code.as_str().into());
    &'a [u8] => Bytes(bytes: bytes.into());
    Vec<u8> => Bytes(bytes: bytes.into());
}

impl Db {
    /// Carries out statements in one transaction.
    pub(crate) async fn write(&self, statements: &[Statement<'_>]) -> Result<(), sqlx::Error> {
        self.write_then(statements, || {}).await
    }

    /// Carries out statements in one transaction; `before_commit` runs when all are written.
    pub(crate) async fn write_then(
        &self,
        statements: &[Statement<'_>],
        before_commit: impl FnOnce(),
    ) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(pool) => {
                let mut connection = pool.acquire().await?;
                let written = async {
                    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
                    for query in statements.iter().flat_map(Statement::for_sqlite) {
                        query.execute(&mut *transaction).await?;
                    }
                    before_commit();
                    transaction.commit().await
                }
                .await;
                if written.is_err() {
                    // SQLite rolls back by itself where the disk is full. The connection goes on counting its
                    // transaction as begun, and would never begin another.
                    connection.close().await.ok();
                }
                written
            }
            Self::Postgres(pool) => {
                let mut transaction = pool.begin().await?;
                for query in statements.iter().filter_map(Statement::for_postgres) {
                    query.execute(&mut *transaction).await?;
                }
                before_commit();
                transaction.commit().await
            }
        }
    }

    /// What a statement finds for its rows.
    pub(crate) async fn find<T>(&self, statement: &Statement<'_>) -> Result<Vec<T>, sqlx::Error>
    where
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
    {
        let mut found = Vec::new();
        match self {
            Self::Sqlite(pool) => {
                for query in statement.for_sqlite() {
                    for row in query.fetch_all(pool).await? {
                        found.push(T::from_row(&row)?);
                    }
                }
            }
            Self::Postgres(pool) => {
                if let Some(query) = statement.for_postgres() {
                    for row in query.fetch_all(pool).await? {
                        found.push(T::from_row(&row)?);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Whether the store answers.
    pub(crate) async fn ping(&self) -> Result<(), sqlx::Error> {
        on!(self, pool => sqlx::query("SELECT 1").execute(pool).await.map(|_| ()))
    }
}

/// So many rows as SQLite takes them: a place for each value.
fn sqlite_rows(columns: &[&str], rows: usize) -> String {
    let row = format!("({})", vec!["?"; columns.len()].join(", "));
    let names: Vec<String> = columns
        .iter()
        .zip(1..)
        .map(|(name, n)| format!("column{n} AS {name}"))
        .collect();
    format!(
        "SELECT {} FROM (VALUES {})",
        names.join(", "),
        vec![row.as_str(); rows].join(", ")
    )
}

/// Any number of rows as PostgreSQL takes them: an array for each column, of what the first row has there.
fn postgres_rows(columns: &[&str], first: &[Value<'_>]) -> String {
    let arrays: Vec<String> = first
        .iter()
        .zip(1..)
        .map(|(value, n)| match value {
            Value::Integer(_) => format!("${n}::bigint[]"),
            Value::Text(_) => format!("${n}::text[]"),
            Value::Bytes(_) => format!("${n}::bytea[]"),
        })
        .collect();
    let (arrays, names) = (arrays.join(", "), columns.join(", "));
    format!("SELECT * FROM unnest({arrays}) AS given ({names})")
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqlitePoolOptions;

    use super::*;

    #[tokio::test]
    async fn a_write_that_finds_the_disk_full_is_in_no_other_s_way() {
        let folder = std::env::temp_dir().join(format!("kaowei-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&folder).unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.join("full.sqlite3").display());
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect(&url)
            .await
            .unwrap();
        for set_up in ["CREATE TABLE texts (text TEXT)", "PRAGMA max_page_count = 4"] {
            sqlx::query(set_up).execute(&pool).await.unwrap();
        }
        let db = Db::Sqlite(pool.clone());
        let write = async |text: String| {
            let add = "INSERT INTO texts (text) {rows}";
            let written = db.write(&[Statement::new(add, &["text"], [[text.into()]])]).await;
            written.map_err(|error| error.to_string())
        };
        let refused = write("x".repeat(100_000)).await.unwrap_err();
        assert!(refused.contains("full"), "{refused}");
        write("x".into()).await.unwrap();
        pool.close().await;
        std::fs::remove_dir_all(folder).unwrap();
    }
}
