-- Whom staff gave accounts to, and took them from (R32): made from the journal, like all tables.
CREATE TABLE staff_accounts (
    staff      INTEGER NOT NULL PRIMARY KEY,
    cell       TEXT NOT NULL,
    scope      TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_by TEXT,
    revoked_at INTEGER,
    CHECK ((revoked_by IS NULL) = (revoked_at IS NULL))
) STRICT;
