-- The sandbox's own books, as another company would keep them: written by it alone, never rebuilt.
CREATE TABLE sandbox_orders (
    order_id       TEXT    NOT NULL PRIMARY KEY,
    amount_fen     BIGINT NOT NULL,
    subject        TEXT    NOT NULL,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    close_after_ms BIGINT NOT NULL,
    closed         BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE sandbox_trades (
    trade      TEXT    NOT NULL PRIMARY KEY,
    order_id   TEXT    NOT NULL,
    amount_fen BIGINT NOT NULL,
    paid_at    BIGINT NOT NULL
);

CREATE INDEX sandbox_trades_of_order ON sandbox_trades (order_id);

CREATE TABLE sandbox_refunds (
    refund     TEXT    NOT NULL PRIMARY KEY,
    trade      TEXT    NOT NULL,
    amount_fen BIGINT NOT NULL,
    state      TEXT    NOT NULL
);

-- What is still to be told to the merchant.
CREATE TABLE sandbox_notifications (
    id       TEXT    NOT NULL PRIMARY KEY,
    body     TEXT    NOT NULL,
    due_at   BIGINT NOT NULL,
    -- How often it is still to be told, and how often that was in vain.
    left_over BIGINT NOT NULL,
    in_vain  BIGINT NOT NULL
);

CREATE TABLE sandbox_behaviour (
    id   BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    body TEXT    NOT NULL
);
