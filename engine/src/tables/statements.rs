//! The statements that make a slice's changes so in the tables.

use kaowei_core::seats::ClaimState;
use serde::Serialize;

use super::fold::{ClaimRow, Fold};
use crate::failure::OpenError;
use crate::store::Kind::{Bytes, Integer, Text};
use crate::store::{Column, Db, Statement, upsert};

const CLAIM_COLUMNS: [Column; 23] = [
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
    ("paid_by", Text),
    ("attached_order", Text),
    ("asked_at", Integer),
    ("leave", Text),
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
    statements.extend(choices(db, fold)?);
    statements.extend(orders(db, fold)?);
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
        ("paid_by", Text),
        ("attachment", Integer),
        ("attached_order", Text),
        ("asking", Integer),
        ("asked_at", Integer),
        ("leave", Text),
        ("state_at", Integer),
        ("state_sequence", Integer),
        ("state_hash", Bytes),
    ];
    let sql = format!(
        "UPDATE claims SET state = COALESCE(new.state, claims.state), \
         held_until = CASE WHEN new.state IS NULL THEN claims.held_until ELSE new.held_until END, \
         paid_by = CASE WHEN new.state IS NULL THEN claims.paid_by ELSE new.paid_by END, \
         attached_order = CASE WHEN new.attachment = 1 THEN new.attached_order ELSE claims.attached_order END, \
         asked_at = CASE WHEN new.asking = 1 THEN new.asked_at ELSE claims.asked_at END, \
         leave = CASE WHEN new.asking = 1 THEN new.leave ELSE claims.leave END, \
         state_at = new.state_at, state_sequence = new.state_sequence, state_hash = new.state_hash \
         FROM ({}) AS new WHERE claims.pool = new.pool AND claims.number = new.number",
        db.unfold(&columns)
    );
    let changes = fold.claims.iter().map(|((pool, number), change)| {
        let (state, seal) = (change.state, change.seal);
        let (attachment, attached_order) = change.attached.parts();
        let (asking, asked) = change.asked.parts();
        (
            pool,
            number,
            state.map(ClaimState::as_str),
            state.and_then(ClaimState::held_until),
            state.and_then(ClaimState::paid_by),
            attachment,
            attached_order,
            asking,
            asked.map(|(at, _)| at),
            asked.map(|(_, leave)| leave),
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

fn choices(db: &Db, fold: &Fold) -> Result<Vec<Statement>, OpenError> {
    let gone = |table: &str| {
        let sql = format!(
            "DELETE FROM {table} WHERE candidate IN ({})",
            db.unfold(&[("candidate", Integer)])
        );
        let unchosen = fold.payment.unchosen.iter().map(|candidate| (candidate,));
        Ok::<_, OpenError>(Statement::new(sql, rows(unchosen)?))
    };
    let reports = [("candidate", Integer), ("subject", Text), ("choice", Text)];
    let prints = [("candidate", Integer), ("enabled", Integer)];
    let chosen = fold.payment.score_reports.iter();
    let chosen = chosen.map(|((candidate, subject), choice)| (candidate, subject, choice.as_str()));
    let switched = fold.payment.quick_prints.iter();
    let switched = switched.map(|(candidate, enabled)| (candidate, i64::from(*enabled)));
    Ok(vec![
        gone("score_reports")?,
        gone("quick_prints")?,
        upsert(
            db,
            "score_reports",
            &["candidate", "subject"],
            &reports,
            rows(chosen)?,
        ),
        upsert(db, "quick_prints", &["candidate"], &prints, rows(switched)?),
    ])
}

fn orders(db: &Db, fold: &Fold) -> Result<Vec<Statement>, OpenError> {
    let columns = [
        ("order_id", Text),
        ("cell", Text),
        ("candidate", Integer),
        ("paper", Text),
        ("method", Text),
        ("state", Text),
        ("amount_fen", Integer),
        ("received_fen", Integer),
        ("settled_fen", Integer),
        ("refunded_fen", Integer),
        ("pending_fen", Integer),
        ("opened_at", Integer),
        ("expires_at", Integer),
        ("position", Integer),
        ("body", Text),
    ];
    let claims = [
        ("order_id", Text),
        ("pool", Text),
        ("number", Integer),
        ("fee_fen", Integer),
    ];
    let mut changed = Vec::new();
    for row in fold.payment.orders.values() {
        let (order, money) = (&row.order, row.order.money());
        let body = serde_json::to_string(order).map_err(|error| OpenError::Damaged(error.to_string()))?;
        changed.push((
            order.id(),
            &row.cell,
            order.candidate(),
            order.paper(),
            order.method(),
            order.status().as_str(),
            order.amount(),
            money.received,
            money.settled,
            money.refunded,
            money.pending,
            order.opened_at(),
            order.expires_at(),
            row.position,
            body,
        ));
    }
    let paid = fold.payment.orders.values().flat_map(|row| {
        let claims = row.order.claims().iter();
        claims.map(|ordered| {
            let claim = ordered.claim;
            (row.order.id(), claim.pool, claim.number, ordered.fee_fen)
        })
    });
    Ok(vec![
        upsert(db, "orders", &["order_id"], &columns, rows(changed.into_iter())?),
        upsert(
            db,
            "order_claims",
            &["order_id", "pool", "number"],
            &claims,
            rows(paid)?,
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

pub(super) fn rows(rows: impl Iterator<Item = impl Serialize>) -> Result<String, OpenError> {
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
