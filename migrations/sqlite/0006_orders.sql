-- Payment: what an order attaches to a claim, the orders themselves, and what was chosen for after the exam.
-- Among the tables: made from the journal, disposable.
ALTER TABLE claims ADD COLUMN paid_by TEXT CHECK ((paid_by IS NOT NULL) = (state = 'paid'));
ALTER TABLE claims ADD COLUMN attached_order TEXT CHECK (attached_order IS NULL OR state = 'held');
-- Since when the claim is to go once its order has ended, and how.
ALTER TABLE claims ADD COLUMN asked_at INTEGER CHECK (asked_at IS NULL OR attached_order IS NOT NULL);
ALTER TABLE claims ADD COLUMN leave TEXT CHECK ((leave IS NOT NULL) = (asked_at IS NOT NULL));

CREATE TABLE orders (
    order_id     TEXT    NOT NULL PRIMARY KEY,
    cell         TEXT    NOT NULL,
    candidate    INTEGER NOT NULL,
    paper        TEXT    NOT NULL,
    method       TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    amount_fen   INTEGER NOT NULL,
    received_fen INTEGER NOT NULL,
    settled_fen  INTEGER NOT NULL,
    refunded_fen INTEGER NOT NULL,
    pending_fen  INTEGER NOT NULL,
    opened_at    INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    -- Where the event that opened it lies in the journal: a candidate's orders in the order in which they were opened.
    position     INTEGER NOT NULL,
    -- All of it, as the engine reads it.
    body         TEXT    NOT NULL,
    CHECK (received_fen = settled_fen + refunded_fen + pending_fen)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_claims (
    order_id TEXT    NOT NULL,
    pool     TEXT    NOT NULL,
    number   INTEGER NOT NULL,
    fee_fen  INTEGER NOT NULL,
    PRIMARY KEY (order_id, pool, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE score_reports (
    candidate INTEGER NOT NULL,
    subject   TEXT    NOT NULL,
    choice    TEXT    NOT NULL,
    PRIMARY KEY (candidate, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE quick_prints (
    candidate INTEGER NOT NULL PRIMARY KEY,
    enabled   INTEGER NOT NULL
) STRICT;
