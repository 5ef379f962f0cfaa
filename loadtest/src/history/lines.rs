//! A history as JSON lines, one request a line, for a file and for evidence.
//!
//! Promises: the first line names the run; every other line stands alone and can be read, searched and cut with
//! ordinary tools. A line with fields unknown here is read all the same; a line that is no request is an error
//! with its number.

use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};

use super::{CandidateIndex, ClaimState, Code, History, KeyNumber, Operation, Request, Seen, small};

/// Why a stored history could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file itself.
    #[error("the history can't be read or written")]
    File(#[from] std::io::Error),
    /// A line that is no line of a history.
    #[error("line {line} of the history is not a request")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// A hash that is not 64 hexadecimal digits, or a claim's id without its number.
    #[error("line {line} of the history: {field} is malformed")]
    Field {
        /// Its number, from 1.
        line: usize,
        /// The field.
        field: &'static str,
    },
}

#[derive(Serialize, Deserialize)]
struct Head {
    history: u32,
    run: String,
}

/// One request with its answer, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When it should have been sent, in microseconds since the run began.
    pub intended_us: u64,
    /// When it was sent.
    pub started_us: u64,
    /// When its answer was complete.
    pub ended_us: u64,
    /// Who sent it.
    pub candidate: u32,
    /// What was asked.
    pub operation: Operation,
    /// The pool it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The number of its idempotency key among the candidate's; 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub key: u16,
    /// The HTTP status; 0 if there was no answer.
    pub status: u16,
    /// Why it was refused.
    #[serde(default = "no_code", skip_serializing_if = "is_no_code")]
    pub code: Code,
    /// The claims that its answer showed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ClaimLine>,
}

/// One claim as an answer showed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimLine {
    /// Its id, `{pool}-{number}`.
    pub id: String,
    /// Its state.
    pub state: ClaimState,
    /// The sequence number of the event that created it.
    pub seq: u64,
    /// Its place in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// The chain's hash there, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_hash: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(key: &u16) -> bool {
    *key == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_no_code(code: &Code) -> bool {
    *code == Code::None
}

fn no_code() -> Code {
    Code::None
}

/// Splits a claim's id into its pool's id and its number there.
pub(crate) fn split_claim_id(id: &str) -> Option<(&str, u32)> {
    let (pool, number) = id.rsplit_once('-')?;
    Some((pool, number.parse().ok()?))
}

/// Reads a hash of 64 hexadecimal digits.
pub(crate) fn parse_hash(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(hash)
}

const fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// A hash as 64 lower-case hexadecimal digits.
pub(crate) fn hash_text(hash: &[u8; 32]) -> String {
    let digits = b"0123456789abcdef";
    hash.iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(digits[nibble as usize]))
        .collect()
}

impl History {
    /// Adds a request given as a line; tells the malformed field, if there is one.
    pub fn push_line(&mut self, line: &Line) -> Result<(), &'static str> {
        let mut seen = Vec::with_capacity(line.claims.len());
        for claim in &line.claims {
            let (pool, number) = split_claim_id(&claim.id).ok_or("the claim's id")?;
            let chain_hash = match &claim.chain_hash {
                Some(text) => Some(parse_hash(text).ok_or("chain_hash")?),
                None => None,
            };
            seen.push(Seen {
                pool: self.pool(pool),
                number,
                state: claim.state,
                position: claim.position,
                seq: claim.seq,
                chain_hash,
            });
        }
        let request = Request {
            intended_us: line.intended_us,
            started_us: line.started_us,
            ended_us: line.ended_us,
            candidate: CandidateIndex(line.candidate),
            pool: line.pool.as_deref().map(|id| self.pool(id)),
            key: KeyNumber(line.key),
            status: line.status,
            operation: line.operation,
            code: line.code,
        };
        self.push(request, seen);
        Ok(())
    }

    /// A request as a line.
    pub fn line(&self, request: u32) -> Line {
        let it = &self.requests()[request as usize];
        let claims = self.seen_by(request).iter().map(|sighting| ClaimLine {
            id: format!("{}-{}", self.pool_id(sighting.seen.pool), sighting.seen.number),
            state: sighting.seen.state,
            seq: sighting.seen.seq,
            position: sighting.seen.position,
            chain_hash: sighting.seen.chain_hash.as_ref().map(hash_text),
        });
        Line {
            intended_us: it.intended_us,
            started_us: it.started_us,
            ended_us: it.ended_us,
            candidate: it.candidate.0,
            operation: it.operation,
            pool: it.pool.map(|pool| self.pool_id(pool).to_owned()),
            key: it.key.0,
            status: it.status,
            code: it.code,
            claims: claims.collect(),
        }
    }

    /// Writes the whole history, one request a line.
    pub fn write_lines(&self, mut out: impl Write) -> Result<(), HistoryError> {
        let head = Head {
            history: 1,
            run: self.run().to_owned(),
        };
        serde_json::to_writer(&mut out, &head).map_err(std::io::Error::from)?;
        out.write_all(b"\n")?;
        for index in 0..small(self.requests().len()) {
            serde_json::to_writer(&mut out, &self.line(index)).map_err(std::io::Error::from)?;
            out.write_all(b"\n")?;
        }
        out.flush()?;
        Ok(())
    }

    /// Reads a history that [`Self::write_lines`] wrote.
    pub fn read_lines(input: impl BufRead) -> Result<Self, HistoryError> {
        let mut history = Self::new("");
        for (index, text) in input.lines().enumerate() {
            let (text, line) = (text?, index + 1);
            if text.trim().is_empty() {
                continue;
            }
            let malformed = |source| HistoryError::Line { line, source };
            if index == 0 && text.contains("\"history\"") {
                let head: Head = serde_json::from_str(&text).map_err(malformed)?;
                history = Self::new(head.run);
                continue;
            }
            let record: Line = serde_json::from_str(&text).map_err(malformed)?;
            history
                .push_line(&record)
                .map_err(|field| HistoryError::Field { line, field })?;
        }
        Ok(history)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_written_and_read_again_is_the_same() {
        let mut history = History::new("r1");
        let line = Line {
            intended_us: 1,
            started_us: 2,
            ended_us: 900,
            candidate: 7,
            operation: Operation::Claim,
            pool: Some("991010-1".into()),
            key: 3,
            status: 201,
            code: Code::None,
            claims: vec![ClaimLine {
                id: "991010-1-12".into(),
                state: ClaimState::Waiting,
                seq: 14,
                position: Some(2),
                chain_hash: Some("ab".repeat(32)),
            }],
        };
        history.push_line(&line).unwrap();
        let mut refused = line.clone();
        (refused.status, refused.code, refused.claims) = (409, Code::PoolFull, Vec::new());
        history.push_line(&refused).unwrap();

        let mut text = Vec::new();
        history.write_lines(&mut text).unwrap();
        let again = History::read_lines(&*text).unwrap();
        assert_eq!(again.run(), "r1");
        assert_eq!(again.requests(), history.requests());
        assert_eq!(again.sightings(), history.sightings());
        assert_eq!(again.line(0), line);
        assert_eq!(again.line(1), refused);
    }

    #[test]
    fn a_broken_line_is_told_by_its_number() {
        let text = "{\"history\":1,\"run\":\"x\"}\n{\"nonsense\":true}\n";
        let error = History::read_lines(text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "line 2 of the history is not a request");
    }
}
