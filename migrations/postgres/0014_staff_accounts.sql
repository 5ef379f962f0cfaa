-- Whom staff gave accounts to, and took them from (R32): made from the journal, like all tables.
CREATE TABLE staff_accounts (
    staff      BIGINT NOT NULL PRIMARY KEY,
    cell       TEXT NOT NULL,
    scope      TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_by TEXT,
    revoked_at BIGINT,
    CHECK ((revoked_by IS NULL) = (revoked_at IS NULL))
);
