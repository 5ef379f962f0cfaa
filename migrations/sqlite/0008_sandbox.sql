-- The sandbox's own books, as another company would keep them: written by it alone, never rebuilt.
CREATE TABLE sandbox_orders (
    order_id       TEXT    NOT NULL PRIMARY KEY,
    amount_fen     INTEGER NOT NULL,
    subject        TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    close_after_ms INTEGER NOT NULL,
    closed         INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE sandbox_trades (
    trade      TEXT    NOT NULL PRIMARY KEY,
    order_id   TEXT    NOT NULL,
    amount_fen INTEGER NOT NULL,
    paid_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sandbox_trades_of_order ON sandbox_trades (order_id);

CREATE TABLE sandbox_refunds (
    refund     TEXT    NOT NULL PRIMARY KEY,
    trade      TEXT    NOT NULL,
    amount_fen INTEGER NOT NULL,
    state      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- What is still to be told to the merchant.
CREATE TABLE sandbox_notifications (
    id       TEXT    NOT NULL PRIMARY KEY,
    body     TEXT    NOT NULL,
    due_at   INTEGER NOT NULL,
    -- How often it is still to be told, and how often that was in vain.
    left_over INTEGER NOT NULL,
    in_vain  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sandbox_behaviour (
    id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    body TEXT    NOT NULL
) STRICT;
