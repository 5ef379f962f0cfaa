-- Payment: what an order attaches to a claim, the orders themselves, and what was chosen for after the exam.
-- Among the tables: made from the journal, disposable.
ALTER TABLE claims ADD COLUMN paid_by TEXT CHECK ((paid_by IS NOT NULL) = (state = 'paid'));
ALTER TABLE claims ADD COLUMN attached_order TEXT CHECK (attached_order IS NULL OR state = 'held');
-- Since when the claim is to go once its order has ended, and how.
ALTER TABLE claims ADD COLUMN asked_at BIGINT CHECK (asked_at IS NULL OR attached_order IS NOT NULL);
ALTER TABLE claims ADD COLUMN leave TEXT CHECK ((leave IS NOT NULL) = (asked_at IS NOT NULL));

CREATE TABLE orders (
    order_id     TEXT    NOT NULL PRIMARY KEY,
    cell         TEXT    NOT NULL,
    candidate    BIGINT NOT NULL,
    paper        TEXT    NOT NULL,
    method       TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    amount_fen   BIGINT NOT NULL,
    received_fen BIGINT NOT NULL,
    settled_fen  BIGINT NOT NULL,
    refunded_fen BIGINT NOT NULL,
    pending_fen  BIGINT NOT NULL,
    opened_at    BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    -- Where the event that opened it lies in the journal: a candidate's orders in the order in which they were opened.
    position     BIGINT NOT NULL,
    -- All of it, as the engine reads it.
    body         TEXT    NOT NULL,
    CHECK (received_fen = settled_fen + refunded_fen + pending_fen)
);

CREATE TABLE order_claims (
    order_id TEXT    NOT NULL,
    pool     TEXT    NOT NULL,
    number   BIGINT NOT NULL,
    fee_fen  BIGINT NOT NULL,
    PRIMARY KEY (order_id, pool, number)
);

CREATE TABLE score_reports (
    candidate BIGINT NOT NULL,
    subject   TEXT    NOT NULL,
    choice    TEXT    NOT NULL,
    PRIMARY KEY (candidate, subject)
);

CREATE TABLE quick_prints (
    candidate BIGINT NOT NULL PRIMARY KEY,
    enabled   BIGINT NOT NULL
);
