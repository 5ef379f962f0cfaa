-- The journal: the only truth. Append-only; nothing here is ever updated but the fence in `cells`.
CREATE TABLE cells (
    cell         TEXT   NOT NULL PRIMARY KEY,
    epoch        BIGINT NOT NULL,
    leader       TEXT   NOT NULL,
    batch        BIGINT NOT NULL,
    position     BIGINT NOT NULL,
    heartbeat_at BIGINT NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE journal (
    cell     TEXT   NOT NULL,
    position BIGINT NOT NULL,
    stream   TEXT   NOT NULL,
    sequence BIGINT NOT NULL,
    kind     TEXT   NOT NULL,
    at       BIGINT NOT NULL,
    payload  TEXT   NOT NULL,
    hash     BYTEA  NOT NULL,
    PRIMARY KEY (cell, position)
);

-- What all servers on this store share: keys, the address of the one that runs.
CREATE TABLE shared_facts (
    name  TEXT  NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);
