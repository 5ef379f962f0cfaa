-- The current state for SQL users, lists, exports and fast recovery: made from the journal, disposable.
-- The constraints are here to make a bug fail loudly.
CREATE TABLE checkpoint (
    cell     TEXT    NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE stream_heads (
    stream   TEXT    NOT NULL PRIMARY KEY,
    cell     TEXT    NOT NULL,
    sequence INTEGER NOT NULL,
    hash     BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

-- Where a stream's events lie in the journal: for the audit of one pool.
CREATE TABLE stream_index (
    stream   TEXT    NOT NULL,
    sequence INTEGER NOT NULL,
    cell     TEXT    NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (stream, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE documents (
    name TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE campuses (
    campus TEXT NOT NULL PRIMARY KEY,
    body   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pools (
    pool      TEXT    NOT NULL PRIMARY KEY,
    province  TEXT    NOT NULL,
    school    TEXT    NOT NULL,
    paper     TEXT    NOT NULL,
    level     INTEGER NOT NULL,
    requires  TEXT,
    capacity  INTEGER NOT NULL,
    open      INTEGER NOT NULL,
    draining  INTEGER NOT NULL,
    fee_fen   INTEGER NOT NULL,
    exam_date TEXT,
    held      INTEGER NOT NULL CHECK (held >= 0),
    paid      INTEGER NOT NULL CHECK (paid >= 0),
    waiting   INTEGER NOT NULL CHECK (waiting >= 0),
    CHECK (held + paid <= capacity OR draining = 1)
) STRICT, WITHOUT ROWID;

CREATE TABLE claims (
    pool           TEXT    NOT NULL,
    number         INTEGER NOT NULL,
    candidate      INTEGER NOT NULL,
    paper          TEXT    NOT NULL,
    level          INTEGER NOT NULL,
    requires       TEXT,
    state          TEXT    NOT NULL,
    held_until     INTEGER,
    first_until    INTEGER,
    first_position INTEGER,
    fee_fen        INTEGER NOT NULL,
    registered_by  TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    sequence       INTEGER NOT NULL,
    chain_hash     BLOB    NOT NULL,
    state_at       INTEGER NOT NULL,
    state_sequence INTEGER NOT NULL,
    state_hash     BLOB    NOT NULL,
    -- Where the event that made it lies in the journal: a candidate's claims in the order in which they were made.
    position       INTEGER NOT NULL,
    PRIMARY KEY (pool, number),
    CHECK ((held_until IS NOT NULL) = (state = 'held'))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX one_claim_per_level ON claims (candidate, paper, level)
    WHERE state IN ('held', 'waiting', 'paid');

CREATE TABLE candidates (
    candidate         INTEGER NOT NULL PRIMARY KEY,
    agreement_version TEXT    NOT NULL,
    agreed_at         INTEGER NOT NULL
) STRICT;

CREATE TABLE enrolments (
    candidate      INTEGER NOT NULL PRIMARY KEY,
    record         INTEGER NOT NULL UNIQUE,
    record_version INTEGER NOT NULL,
    campus         TEXT    NOT NULL,
    school         TEXT    NOT NULL,
    province       TEXT    NOT NULL,
    saved_at       INTEGER NOT NULL,
    delete_after   INTEGER NOT NULL
) STRICT;

CREATE TABLE idempotency_keys (
    candidate INTEGER NOT NULL,
    slot      INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    key       TEXT    NOT NULL,
    body      TEXT    NOT NULL,
    answer    TEXT    NOT NULL,
    PRIMARY KEY (candidate, slot)
) STRICT, WITHOUT ROWID;
