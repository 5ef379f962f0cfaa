//! Statements over many rows: one JSON array of arrays in, one statement, whatever the number of rows.
//!
//! The text is the same for both stores but for how JSON is unfolded.

use sqlx::AssertSqlSafe;

use super::{Db, on};

/// How a value is written in the JSON and read from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text, or null.
    Text,
    /// A whole number, or null.
    Integer,
    /// Bytes as hex digits.
    Bytes,
}

/// A column of a table.
pub(crate) type Column = (&'static str, Kind);

/// One statement with its one parameter: an array of rows.
#[derive(Debug)]
pub(crate) struct Statement {
    sql: String,
    rows: String,
}

impl Statement {
    /// A statement that unfolds `rows` itself.
    pub(crate) fn new(sql: String, rows: String) -> Self {
        Self { sql, rows }
    }

    /// Whether it has no rows, and so nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows == "[]"
    }
}

impl Db {
    /// `SELECT` of the columns from the rows in `$1`.
    pub(crate) fn unfold(&self, columns: &[Column]) -> String {
        let fields: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(n, (name, kind))| {
                let value = match (self, kind) {
                    (_, Kind::Text) => format!("value->>{n}"),
                    (Self::Sqlite(_), Kind::Integer) => format!("CAST(value->>{n} AS INTEGER)"),
                    (Self::Postgres(_), Kind::Integer) => format!("(value->>{n})::bigint"),
                    (Self::Sqlite(_), Kind::Bytes) => format!("unhex(value->>{n})"),
                    (Self::Postgres(_), Kind::Bytes) => format!("decode(value->>{n}, 'hex')"),
                };
                format!("{value} AS {name}")
            })
            .collect();
        let source = match self {
            Self::Sqlite(_) => "json_each($1)",
            Self::Postgres(_) => "json_array_elements($1::json)",
        };
        format!("SELECT {} FROM {source} WHERE true", fields.join(", "))
    }

    /// Carries out statements in one transaction.
    pub(crate) async fn write(&self, statements: &[Statement]) -> Result<(), sqlx::Error> {
        self.write_then(statements, || {}).await
    }

    /// Carries out statements in one transaction; `before_commit` runs when all are written.
    pub(crate) async fn write_then(
        &self,
        statements: &[Statement],
        before_commit: impl FnOnce(),
    ) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(pool) => {
                let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
                for statement in statements {
                    let sql = AssertSqlSafe(statement.sql.clone());
                    sqlx::query(sql)
                        .bind(&statement.rows)
                        .execute(&mut *transaction)
                        .await?;
                }
                before_commit();
                transaction.commit().await
            }
            Self::Postgres(pool) => {
                let mut transaction = pool.begin().await?;
                for statement in statements {
                    let sql = AssertSqlSafe(statement.sql.clone());
                    sqlx::query(sql)
                        .bind(&statement.rows)
                        .execute(&mut *transaction)
                        .await?;
                }
                before_commit();
                transaction.commit().await
            }
        }
    }

    /// Whether the store answers.
    pub(crate) async fn ping(&self) -> Result<(), sqlx::Error> {
        on!(self, pool => sqlx::query("SELECT 1").execute(pool).await.map(|_| ()))
    }
}

/// Adds rows, or replaces those that are there by key.
pub(crate) fn upsert(db: &Db, table: &str, key: &[&str], columns: &[Column], rows: String) -> Statement {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let updates: Vec<String> = names
        .iter()
        .filter(|name| !key.contains(name))
        .map(|name| format!("{name} = excluded.{name}"))
        .collect();
    let sql = format!(
        "INSERT INTO {table} ({}) {} ON CONFLICT ({}) DO UPDATE SET {}",
        names.join(", "),
        db.unfold(columns),
        key.join(", "),
        updates.join(", ")
    );
    Statement::new(sql, rows)
}
