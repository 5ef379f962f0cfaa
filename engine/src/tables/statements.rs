//! The statements that make a slice's changes so in the tables.

use serde::Serialize;

use super::fold::{ClaimRow, Fold};
use crate::failure::OpenError;
use crate::store::Kind::{Bytes, Integer, Text};
use crate::store::{Column, Db, Statement, upsert};

const CLAIM_COLUMNS: [Column; 19] = [
    ("pool", Text),
    ("number", Integer),
    ("candidate", Integer),
    ("paper", Text),
    ("level", Integer),
    ("requires", Text),
    ("state", Text),
    ("held_until", Integer),
    ("first_until", Integer),
    ("first_position", Integer),
    ("fee_fen", Integer),
    ("registered_by", Text),
    ("created_at", Integer),
    ("sequence", Integer),
    ("chain_hash", Bytes),
    ("state_at", Integer),
    ("state_sequence", Integer),
    ("state_hash", Bytes),
    ("position", Integer),
];

/// The statements of a slice: what releases a unique place comes before what takes one.
pub(super) fn statements(db: &Db, fold: &Fold) -> Result<Vec<Statement>, OpenError> {
    let mut statements = vec![
        claim_changes(db, fold)?,
        upsert(
            db,
            "claims",
            &["pool", "number"],
            &CLAIM_COLUMNS,
            rows(fold.new_claims.values().map(ClaimRow))?,
        ),
        new_pools(db, fold)?,
        pool_changes(db, fold)?,
    ];
    statements.extend(enrolments(db, fold)?);
    statements.extend(catalogue(db, fold)?);
    statements.extend(candidates(db, fold)?);
    statements.extend(positions(db, fold)?);
    statements.retain(|statement| !statement.is_empty());
    Ok(statements)
}

fn claim_changes(db: &Db, fold: &Fold) -> Result<Statement, OpenError> {
    let columns = [
        ("pool", Text),
        ("number", Integer),
        ("state", Text),
        ("held_until", Integer),
        ("state_at", Integer),
        ("state_sequence", Integer),
        ("state_hash", Bytes),
    ];
    let sql = format!(
        "UPDATE claims SET state = new.state, held_until = new.held_until, state_at = new.state_at, \
         state_sequence = new.state_sequence, state_hash = new.state_hash \
         FROM ({}) AS new WHERE claims.pool = new.pool AND claims.number = new.number",
        db.unfold(&columns)
    );
    let changes = fold.claims.iter().map(|((pool, number), change)| {
        let (state, seal) = (change.state, change.seal);
        (
            pool,
            number,
            state.as_str(),
            state.held_until(),
            seal.at,
            seal.sequence,
            seal.hash,
        )
    });
    Ok(Statement::new(sql, rows(changes)?))
}

fn new_pools(db: &Db, fold: &Fold) -> Result<Statement, OpenError> {
    let columns = [
        ("pool", Text),
        ("province", Text),
        ("school", Text),
        ("paper", Text),
        ("level", Integer),
        ("requires", Text),
    ];
    let sql = format!(
        "INSERT INTO pools (pool, province, school, paper, level, requires, capacity, open, draining, fee_fen, held, paid, waiting) \
         SELECT pool, province, school, paper, level, requires, 0, 0, 0, 0, 0, 0, 0 FROM ({}) AS new",
        db.unfold(&columns)
    );
    let new = fold.new_pools.values().map(|facts| {
        (
            facts.id,
            facts.site.province,
            facts.site.school,
            facts.paper,
            facts.level,
            facts.requires,
        )
    });
    Ok(Statement::new(sql, rows(new)?))
}

fn pool_changes(db: &Db, fold: &Fold) -> Result<Statement, OpenError> {
    let columns = [
        ("pool", Text),
        ("capacity", Integer),
        ("draining", Integer),
        ("open", Integer),
        ("fee_fen", Integer),
        ("exam_date", Text),
        ("held", Integer),
        ("paid", Integer),
        ("waiting", Integer),
    ];
    // A pool stops draining by itself when what is taken fits again.
    let sql = format!(
        "UPDATE pools SET capacity = COALESCE(new.capacity, pools.capacity), open = COALESCE(new.open, pools.open), \
         draining = CASE WHEN pools.held + new.held + pools.paid + new.paid <= COALESCE(new.capacity, pools.capacity) \
             THEN 0 ELSE COALESCE(new.draining, pools.draining) END, \
         exam_date = CASE WHEN new.fee_fen IS NULL THEN pools.exam_date ELSE new.exam_date END, \
         fee_fen = COALESCE(new.fee_fen, pools.fee_fen), \
         held = pools.held + new.held, paid = pools.paid + new.paid, waiting = pools.waiting + new.waiting \
         FROM ({}) AS new WHERE pools.pool = new.pool",
        db.unfold(&columns)
    );
    let changes = fold.pools.iter().map(|(pool, change)| {
        let capacity = change.capacity.map(|(capacity, _)| capacity);
        let draining = change.capacity.map(|(_, draining)| i64::from(draining));
        let open = change.open.map(i64::from);
        let fee = change.terms.as_ref().map(|(fee, _)| *fee);
        let exam_date = change.terms.as_ref().and_then(|(_, date)| date.as_deref());
        (
            pool,
            capacity,
            draining,
            open,
            fee,
            exam_date,
            change.held,
            change.paid,
            change.waiting,
        )
    });
    Ok(Statement::new(sql, rows(changes)?))
}

fn enrolments(db: &Db, fold: &Fold) -> Result<Vec<Statement>, OpenError> {
    let columns = [
        ("candidate", Integer),
        ("record", Integer),
        ("record_version", Integer),
        ("campus", Text),
        ("school", Text),
        ("province", Text),
        ("saved_at", Integer),
        ("delete_after", Integer),
    ];
    // All that changed go first: a record may have passed from one candidate to another within the slice.
    let gone = format!(
        "DELETE FROM enrolments WHERE candidate IN ({})",
        db.unfold(&[("candidate", Integer)])
    );
    let saved = fold.enrolments.iter().filter_map(|(candidate, row)| {
        let (record, version, campus, school, province, saved_at, delete_after) = row.as_ref()?;
        Some((
            candidate,
            record,
            version,
            campus,
            school,
            province,
            saved_at,
            delete_after,
        ))
    });
    let ends = format!(
        "UPDATE enrolments SET delete_after = new.delete_after FROM ({}) AS new WHERE enrolments.candidate = new.candidate",
        db.unfold(&[("candidate", Integer), ("delete_after", Integer)])
    );
    Ok(vec![
        Statement::new(gone, rows(fold.enrolments.keys().map(|candidate| (candidate,)))?),
        upsert(db, "enrolments", &["candidate"], &columns, rows(saved)?),
        Statement::new(ends, rows(fold.enrolment_ends.iter())?),
    ])
}

fn catalogue(db: &Db, fold: &Fold) -> Result<Vec<Statement>, OpenError> {
    let documents = [("name", Text), ("body", Text)];
    let campuses = [("campus", Text), ("body", Text)];
    // Cells are taken over one after the other: an earlier slice may have had later events, of another cell.
    let later = format!(
        "INSERT INTO documents (name, body) {} ON CONFLICT (name) DO UPDATE SET body = excluded.body \
         WHERE CAST(excluded.body AS BIGINT) > CAST(documents.body AS BIGINT)",
        db.unfold(&documents)
    );
    let last_at = fold.last_at.map(|at| ("last_at", at.unix_ms().to_string()));
    Ok(vec![
        upsert(
            db,
            "documents",
            &["name"],
            &documents,
            rows(fold.documents.iter())?,
        ),
        Statement::new(later, rows(last_at.into_iter())?),
        upsert(
            db,
            "campuses",
            &["campus"],
            &campuses,
            rows(fold.campuses.iter())?,
        ),
    ])
}

fn candidates(db: &Db, fold: &Fold) -> Result<Vec<Statement>, OpenError> {
    let agreements = [
        ("candidate", Integer),
        ("agreement_version", Text),
        ("agreed_at", Integer),
    ];
    let keys = [
        ("candidate", Integer),
        ("slot", Integer),
        ("position", Integer),
        ("key", Text),
        ("body", Text),
        ("answer", Text),
    ];
    let agreed = fold
        .agreements
        .iter()
        .map(|(candidate, (version, at))| (candidate, version, at));
    let remembered = fold
        .keys
        .iter()
        .map(|((candidate, slot), (position, note, answer))| {
            (
                candidate,
                slot,
                position,
                format!("{:032x}", note.key),
                format!("{:032x}", note.body),
                answer,
            )
        });
    Ok(vec![
        upsert(db, "candidates", &["candidate"], &agreements, rows(agreed)?),
        upsert(
            db,
            "idempotency_keys",
            &["candidate", "slot"],
            &keys,
            rows(remembered)?,
        ),
    ])
}

fn positions(db: &Db, fold: &Fold) -> Result<Vec<Statement>, OpenError> {
    let heads = [
        ("stream", Text),
        ("cell", Text),
        ("sequence", Integer),
        ("hash", Bytes),
    ];
    let index = [
        ("stream", Text),
        ("sequence", Integer),
        ("cell", Text),
        ("position", Integer),
    ];
    let checkpoint = [("cell", Text), ("position", Integer)];
    let reached = fold
        .heads
        .iter()
        .map(|(stream, (cell, sequence, hash))| (stream, cell, sequence, hash));
    let names: Vec<&str> = index.iter().map(|(name, _)| *name).collect();
    let add_index = format!(
        "INSERT INTO stream_index ({}) {}",
        names.join(", "),
        db.unfold(&index)
    );
    Ok(vec![
        upsert(db, "stream_heads", &["stream"], &heads, rows(reached)?),
        Statement::new(add_index, rows(fold.index.iter())?),
        upsert(
            db,
            "checkpoint",
            &["cell"],
            &checkpoint,
            rows(fold.positions.iter())?,
        ),
    ])
}

fn rows(rows: impl Iterator<Item = impl Serialize>) -> Result<String, OpenError> {
    let mut text = String::from("[");
    for row in rows {
        if text.len() > 1 {
            text.push(',');
        }
        let row = serde_json::to_string(&row).map_err(|error| OpenError::Damaged(error.to_string()))?;
        text.push_str(&row);
    }
    text.push(']');
    Ok(text)
}
