//! The statements that make a slice's changes so in the tables.

use kaowei_core::seats::{ClaimState, First};

use super::fold::Fold;
use crate::store::Statement;

/// The statements of a slice: what releases a unique place comes before what takes one.
pub(super) fn statements<'a>(fold: &'a Fold<'_>) -> Vec<Statement<'a>> {
    let mut statements = vec![
        claim_changes(fold),
        new_claims(fold),
        new_pools(fold),
        pool_changes(fold),
    ];
    statements.extend(enrolments(fold));
    statements.extend(reviews(fold));
    statements.extend(catalogue(fold));
    statements.extend(candidates(fold));
    statements.extend(super::notices::statements(&fold.notices));
    statements.extend(choices(fold));
    statements.extend(orders(fold));
    statements.extend(super::staff::statements(&fold.staff));
    statements.extend(positions(fold));
    statements
}

fn claim_changes<'a>(fold: &'a Fold<'_>) -> Statement<'a> {
    const SQL: &str = "UPDATE claims SET state = COALESCE(new.state, claims.state), \
         held_until = CASE WHEN new.state IS NULL THEN claims.held_until ELSE new.held_until END, \
         paid_by = CASE WHEN new.state IS NULL THEN claims.paid_by ELSE new.paid_by END, \
         attached_order = CASE WHEN new.attachment = 1 THEN new.attached_order ELSE claims.attached_order END, \
         asked_at = CASE WHEN new.asking = 1 THEN new.asked_at ELSE claims.asked_at END, \
         leave = CASE WHEN new.asking = 1 THEN new.leave ELSE claims.leave END, \
         state_at = new.state_at, state_sequence = new.state_sequence, state_hash = new.state_hash \
         FROM ({rows}) AS new WHERE claims.pool = new.pool AND claims.number = new.number";
    const COLUMNS: [&str; 13] = [
        "pool",
        "number",
        "state",
        "held_until",
        "paid_by",
        "attachment",
        "attached_order",
        "asking",
        "asked_at",
        "leave",
        "state_at",
        "state_sequence",
        "state_hash",
    ];
    let changes = fold.claims.iter().map(|((pool, number), change)| {
        let (state, seal) = (change.state, &change.seal);
        let (attachment, attached_order) = change.attached.parts();
        let (asking, asked) = change.asked.parts();
        [
            (*pool).into(),
            number.0.into(),
            state.map(ClaimState::as_str).into(),
            state.and_then(ClaimState::held_until).into(),
            state.and_then(ClaimState::paid_by).into(),
            attachment.into(),
            attached_order.copied().into(),
            asking.into(),
            asked.map(|(at, _)| *at).into(),
            asked.map(|(_, leave)| leave.as_str()).into(),
            seal.at.into(),
            seal.sequence.into(),
            seal.hash.0.as_slice().into(),
        ]
    });
    Statement::new(SQL, &COLUMNS, changes)
}

fn new_claims<'a>(fold: &'a Fold<'_>) -> Statement<'a> {
    const COLUMNS: [&str; 23] = [
        "pool",
        "number",
        "candidate",
        "paper",
        "level",
        "requires",
        "state",
        "held_until",
        "first_until",
        "first_position",
        "fee_fen",
        "registered_by",
        "created_at",
        "sequence",
        "chain_hash",
        "state_at",
        "state_sequence",
        "state_hash",
        "position",
        "paid_by",
        "attached_order",
        "asked_at",
        "leave",
    ];
    let claims = fold.new_claims.values().map(|new| {
        let claim = &new.standing;
        let (first_until, first_position) = match claim.first {
            First::Held(until) => (Some(until), None),
            First::Queued(position) => (None, Some(position)),
        };
        [
            claim.id.pool.into(),
            claim.id.number.0.into(),
            new.candidate.into(),
            claim.paper.as_str().into(),
            claim.level.0.into(),
            claim.requires.as_ref().into(),
            claim.state.as_str().into(),
            claim.state.held_until().into(),
            first_until.into(),
            first_position.into(),
            claim.fee.0.into(),
            claim.registered_by.as_str().into(),
            claim.created_at.into(),
            claim.sequence.into(),
            claim.chain_hash.0.as_slice().into(),
            claim.state_at.into(),
            claim.state_sequence.into(),
            claim.state_hash.0.as_slice().into(),
            new.position.into(),
            claim.state.paid_by().into(),
            claim.attached.map(|attached| attached.order).into(),
            claim.attached.and_then(|attached| attached.asked_at).into(),
            new.leave.as_deref().into(),
        ]
    });
    Statement::upsert("claims", &["pool", "number"], &COLUMNS, claims)
}

fn new_pools<'a>(fold: &'a Fold<'_>) -> Statement<'a> {
    const SQL: &str = "INSERT INTO pools (pool, province, school, paper, level, requires, capacity, open, draining, fee_fen, held, paid, waiting) \
         SELECT pool, province, school, paper, level, requires, 0, 0, 0, 0, 0, 0, 0 FROM ({rows}) AS new";
    const COLUMNS: [&str; 6] = ["pool", "province", "school", "paper", "level", "requires"];
    let new = fold.new_pools.values().map(|facts| {
        [
            facts.id.into(),
            (&facts.site.province).into(),
            (&facts.site.school).into(),
            facts.paper.as_str().into(),
            facts.level.0.into(),
            facts.requires.as_ref().into(),
        ]
    });
    Statement::new(SQL, &COLUMNS, new)
}

fn pool_changes<'a>(fold: &'a Fold<'_>) -> Statement<'a> {
    // A pool stops draining by itself when what is taken fits again.
    const SQL: &str = "UPDATE pools SET capacity = COALESCE(new.capacity, pools.capacity), open = COALESCE(new.open, pools.open), \
         draining = CASE WHEN pools.held + new.held + pools.paid + new.paid <= COALESCE(new.capacity, pools.capacity) \
             THEN 0 ELSE COALESCE(new.draining, pools.draining) END, \
         exam_date = CASE WHEN new.fee_fen IS NULL THEN pools.exam_date ELSE new.exam_date END, \
         fee_fen = COALESCE(new.fee_fen, pools.fee_fen), \
         held = pools.held + new.held, paid = pools.paid + new.paid, waiting = pools.waiting + new.waiting \
         FROM ({rows}) AS new WHERE pools.pool = new.pool";
    const COLUMNS: [&str; 9] = [
        "pool",
        "capacity",
        "draining",
        "open",
        "fee_fen",
        "exam_date",
        "held",
        "paid",
        "waiting",
    ];
    let changes = fold.pools.iter().map(|(pool, change)| {
        let terms = change.terms.as_ref();
        [
            (*pool).into(),
            change.capacity.map(|(capacity, _)| capacity).into(),
            change.capacity.map(|(_, draining)| draining).into(),
            change.open.into(),
            terms.map(|(fee, _)| *fee).into(),
            terms.and_then(|(_, date)| date.as_deref()).into(),
            change.held.into(),
            change.paid.into(),
            change.waiting.into(),
        ]
    });
    Statement::new(SQL, &COLUMNS, changes)
}

fn enrolments<'a>(fold: &'a Fold<'_>) -> [Statement<'a>; 3] {
    // All that changed go first: a record may have passed from one candidate to another within the slice.
    const GONE: &str = "DELETE FROM enrolments WHERE candidate IN ({rows})";
    const ENDS: &str = "UPDATE enrolments SET delete_after = new.delete_after FROM ({rows}) AS new \
         WHERE enrolments.candidate = new.candidate";
    const COLUMNS: [&str; 8] = [
        "candidate",
        "record",
        "record_version",
        "campus",
        "school",
        "province",
        "saved_at",
        "delete_after",
    ];
    let saved = fold.enrolments.iter().filter_map(|(candidate, enrolment)| {
        let enrolment = enrolment.as_ref()?;
        Some([
            (*candidate).into(),
            enrolment.record.0.into(),
            i64::from(enrolment.record_version.0).into(),
            (&enrolment.campus).into(),
            (&enrolment.site.school).into(),
            (&enrolment.site.province).into(),
            enrolment.saved_at.into(),
            enrolment.delete_after.into(),
        ])
    });
    let gone = fold.enrolments.keys().map(|candidate| [(*candidate).into()]);
    let ends = fold
        .enrolment_ends
        .iter()
        .map(|(candidate, at)| [(*candidate).into(), (*at).into()]);
    [
        Statement::new(GONE, &["candidate"], gone),
        Statement::upsert("enrolments", &["candidate"], &COLUMNS, saved),
        Statement::new(ENDS, &["candidate", "delete_after"], ends),
    ]
}

fn reviews<'a>(fold: &'a Fold<'_>) -> [Statement<'a>; 2] {
    const GONE: &str = "DELETE FROM reviews WHERE candidate IN ({rows})";
    const COLUMNS: [&str; 7] = [
        "candidate",
        "state",
        "province",
        "school",
        "applied_at",
        "decided_at",
        "body",
    ];
    let gone = fold.reviews.iter().filter(|(_, review)| review.is_none());
    let saved = fold.reviews.iter().filter_map(|(candidate, review)| {
        let (review, body) = review.as_ref()?;
        let application = review.application();
        Some([
            (*candidate).into(),
            review.state().as_str().into(),
            (&application.site.province).into(),
            (&application.site.school).into(),
            application.at.into(),
            review.decided().map(|decided| decided.at).into(),
            body.as_str().into(),
        ])
    });
    [
        Statement::new(
            GONE,
            &["candidate"],
            gone.map(|(candidate, _)| [(*candidate).into()]),
        ),
        Statement::upsert("reviews", &["candidate"], &COLUMNS, saved),
    ]
}

fn catalogue<'a>(fold: &'a Fold<'_>) -> [Statement<'a>; 3] {
    // Cells are taken over one after the other: an earlier slice may have had later events, of another cell.
    const LATER: &str = "INSERT INTO documents (name, body) {rows} WHERE true ON CONFLICT (name) DO UPDATE SET body = excluded.body \
         WHERE CAST(excluded.body AS BIGINT) > CAST(documents.body AS BIGINT)";
    const DOCUMENTS: [&str; 2] = ["name", "body"];
    let documents = fold
        .documents
        .iter()
        .map(|(name, body)| [(*name).into(), body.as_str().into()]);
    let last_at = fold
        .last_at
        .map(|at| ["last_at".into(), at.unix_ms().to_string().into()]);
    let campuses = fold
        .campuses
        .iter()
        .map(|(campus, body)| [campus.into(), body.as_str().into()]);
    [
        Statement::upsert("documents", &["name"], &DOCUMENTS, documents),
        Statement::new(LATER, &DOCUMENTS, last_at),
        Statement::upsert("campuses", &["campus"], &["campus", "body"], campuses),
    ]
}

fn candidates<'a>(fold: &'a Fold<'_>) -> [Statement<'a>; 2] {
    const AGREEMENTS: [&str; 3] = ["candidate", "agreement_version", "agreed_at"];
    const KEYS: [&str; 6] = ["candidate", "slot", "position", "key", "body", "answer"];
    let agreed = fold
        .agreements
        .iter()
        .map(|(candidate, (version, at))| [(*candidate).into(), version.as_str().into(), (*at).into()]);
    let remembered = fold
        .keys
        .iter()
        .map(|((candidate, slot), (position, note, answer))| {
            [
                (*candidate).into(),
                (*slot).into(),
                (*position).into(),
                format!("{:032x}", note.key).into(),
                format!("{:032x}", note.body).into(),
                answer.as_str().into(),
            ]
        });
    [
        Statement::upsert("candidates", &["candidate"], &AGREEMENTS, agreed),
        Statement::upsert("idempotency_keys", &["candidate", "slot"], &KEYS, remembered),
    ]
}

fn choices<'a>(fold: &'a Fold<'_>) -> [Statement<'a>; 4] {
    const REPORTS_GONE: &str = "DELETE FROM score_reports WHERE candidate IN ({rows})";
    const PRINTS_GONE: &str = "DELETE FROM quick_prints WHERE candidate IN ({rows})";
    let unchosen = || {
        let candidates = fold.payment.unchosen.iter();
        candidates.map(|candidate| [(*candidate).into()])
    };
    let chosen = fold.payment.score_reports.iter();
    let chosen = chosen
        .map(|((candidate, subject), choice)| [(*candidate).into(), subject.into(), choice.as_str().into()]);
    let switched = fold.payment.quick_prints.iter();
    let switched = switched.map(|(candidate, enabled)| [(*candidate).into(), (*enabled).into()]);
    [
        Statement::new(REPORTS_GONE, &["candidate"], unchosen()),
        Statement::new(PRINTS_GONE, &["candidate"], unchosen()),
        Statement::upsert(
            "score_reports",
            &["candidate", "subject"],
            &["candidate", "subject", "choice"],
            chosen,
        ),
        Statement::upsert(
            "quick_prints",
            &["candidate"],
            &["candidate", "enabled"],
            switched,
        ),
    ]
}

fn orders<'a>(fold: &'a Fold<'_>) -> [Statement<'a>; 2] {
    const ORDERS: [&str; 15] = [
        "order_id",
        "cell",
        "candidate",
        "paper",
        "method",
        "state",
        "amount_fen",
        "received_fen",
        "settled_fen",
        "refunded_fen",
        "pending_fen",
        "opened_at",
        "expires_at",
        "position",
        "body",
    ];
    const CLAIMS: [&str; 4] = ["order_id", "pool", "number", "fee_fen"];
    let changed = fold.payment.orders.values().map(|row| {
        let (order, money) = (&row.order, row.order.money());
        [
            order.id().into(),
            row.cell.as_str().into(),
            order.candidate().into(),
            order.paper().as_str().into(),
            order.method().as_str().into(),
            order.status().as_str().into(),
            order.amount().0.into(),
            fen(money.received).into(),
            fen(money.settled).into(),
            fen(money.refunded).into(),
            fen(money.pending).into(),
            order.opened_at().into(),
            order.expires_at().into(),
            row.position.into(),
            row.body.as_str().into(),
        ]
    });
    let paid = fold.payment.orders.values().flat_map(|row| {
        row.order.claims().iter().map(|ordered| {
            let claim = ordered.claim;
            [
                row.order.id().into(),
                claim.pool.into(),
                claim.number.0.into(),
                ordered.fee_fen.0.into(),
            ]
        })
    });
    [
        Statement::upsert("orders", &["order_id"], &ORDERS, changed),
        Statement::upsert("order_claims", &["order_id", "pool", "number"], &CLAIMS, paid),
    ]
}

/// A sum of fees as the tables keep it.
fn fen(sum: u64) -> i64 {
    i64::try_from(sum).unwrap_or(i64::MAX)
}

fn positions<'a>(fold: &'a Fold<'_>) -> [Statement<'a>; 3] {
    const INDEX: &str = "INSERT INTO stream_index (stream, sequence, cell, position) {rows}";
    let heads = fold.heads.iter().map(|(stream, (cell, sequence, hash))| {
        [
            (*stream).into(),
            (*cell).into(),
            (*sequence).into(),
            (*hash).into(),
        ]
    });
    let places = fold.index.iter().map(|(stream, sequence, cell, position)| {
        [
            (*stream).into(),
            (*sequence).into(),
            (*cell).into(),
            (*position).into(),
        ]
    });
    let reached = fold
        .positions
        .iter()
        .map(|(cell, position)| [(*cell).into(), (*position).into()]);
    [
        Statement::upsert(
            "stream_heads",
            &["stream"],
            &["stream", "cell", "sequence", "hash"],
            heads,
        ),
        Statement::new(INDEX, &["stream", "sequence", "cell", "position"], places),
        Statement::upsert("checkpoint", &["cell"], &["cell", "position"], reached),
    ]
}
