-- The journal: the only truth. Append-only; nothing here is ever updated but the fence in `cells`.
CREATE TABLE cells (
    cell         TEXT    NOT NULL PRIMARY KEY,
    epoch        INTEGER NOT NULL,
    leader       TEXT    NOT NULL,
    batch        INTEGER NOT NULL,
    position     INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
    cell     TEXT    NOT NULL,
    position INTEGER NOT NULL,
    stream   TEXT    NOT NULL,
    sequence INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    payload  TEXT    NOT NULL,
    hash     BLOB    NOT NULL,
    PRIMARY KEY (cell, position)
) STRICT, WITHOUT ROWID;

-- What all servers on this store share: keys, the address of the one that runs.
CREATE TABLE shared_facts (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
