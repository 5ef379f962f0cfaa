//! Parameters of an address: of its query, and ids in its path.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path, Query};
use http::StatusCode;
use http::request::Parts;

use crate::problem::{Code, Problem};

/// The parameters of the query; unknown ones are nobody's business.
#[derive(Debug, Clone, Default)]
pub struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(params)| Self(params))
            .map_err(|_| {
                Problem::unreadable((
                    "地址中的查询参数无法识别。",
                    "The query of the address can't be read.",
                ))
            })
    }
}

impl Params {
    /// A parameter as text; one that is empty was not given.
    pub fn get(&self, name: &str) -> Option<&str> {
        let given = self.0.iter().find(|(given, _)| given == name);
        given
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// A parameter as what it should be.
    ///
    /// # Errors
    /// 400 when it is something else.
    pub fn parse<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            let problem = (format!("{name} 无法识别。"), format!("{name} can't be read."));
            Problem::wrong_parameter(StatusCode::BAD_REQUEST, name, problem)
        })
    }

    /// A parameter that is true when given as `true`, `1` or without a value.
    ///
    /// # Errors
    /// 422 when it is something else.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self
            .0
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, value)| value.as_str())
        {
            None | Some("false" | "0") => Ok(false),
            Some("" | "true" | "1") => Ok(true),
            Some(_) => {
                let problem = (
                    format!("{name} 只能是 true 或 false。"),
                    format!("{name} must be true or false."),
                );
                Err(Problem::wrong_parameter(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    name,
                    problem,
                ))
            }
        }
    }
}

/// An id in the path. Ids are opaque: one that can't be one of ours names nothing, so it is 404.
#[derive(Debug, Clone, Copy)]
pub struct PathId<Id>(pub Id);

impl<S: Send + Sync, Id: FromStr> FromRequestParts<S> for PathId<Id> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let unknown = || Problem::new(Code::NotFound);
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| unknown())?;
        text.parse().map(Self).map_err(|_| unknown())
    }
}
