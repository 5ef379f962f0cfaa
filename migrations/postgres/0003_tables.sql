-- The current state for SQL users, lists, exports and fast recovery: made from the journal, disposable.
-- The constraints are here to make a bug fail loudly.
CREATE TABLE checkpoint (
    cell     TEXT    NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL
);

CREATE TABLE stream_heads (
    stream   TEXT    NOT NULL PRIMARY KEY,
    cell     TEXT    NOT NULL,
    sequence BIGINT NOT NULL,
    hash    BYTEA    NOT NULL
);

-- Where a stream's events lie in the journal: for the audit of one pool.
CREATE TABLE stream_index (
    stream   TEXT    NOT NULL,
    sequence BIGINT NOT NULL,
    cell     TEXT    NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (stream, sequence)
);

CREATE TABLE documents (
    name TEXT NOT NULL PRIMARY KEY,
    body TEXT NOT NULL
);

CREATE TABLE campuses (
    campus TEXT NOT NULL PRIMARY KEY,
    body   TEXT NOT NULL
);

CREATE TABLE pools (
    pool      TEXT    NOT NULL PRIMARY KEY,
    province  TEXT    NOT NULL,
    school    TEXT    NOT NULL,
    paper     TEXT    NOT NULL,
    level     BIGINT NOT NULL,
    requires  TEXT,
    capacity  BIGINT NOT NULL,
    open      BIGINT NOT NULL,
    draining  BIGINT NOT NULL,
    fee_fen   BIGINT NOT NULL,
    exam_date TEXT,
    held      BIGINT NOT NULL CHECK (held >= 0),
    paid      BIGINT NOT NULL CHECK (paid >= 0),
    waiting   BIGINT NOT NULL CHECK (waiting >= 0),
    CHECK (held + paid <= capacity OR draining = 1)
);

CREATE TABLE claims (
    pool           TEXT    NOT NULL,
    number         BIGINT NOT NULL,
    candidate      BIGINT NOT NULL,
    paper          TEXT    NOT NULL,
    level          BIGINT NOT NULL,
    requires       TEXT,
    state          TEXT    NOT NULL,
    held_until     BIGINT,
    first_until    BIGINT,
    first_position BIGINT,
    fee_fen        BIGINT NOT NULL,
    registered_by  TEXT    NOT NULL,
    created_at     BIGINT NOT NULL,
    sequence       BIGINT NOT NULL,
    chain_hash    BYTEA    NOT NULL,
    state_at       BIGINT NOT NULL,
    state_sequence BIGINT NOT NULL,
    state_hash    BYTEA    NOT NULL,
    -- Where the event that made it lies in the journal: a candidate's claims in the order in which they were made.
    position       BIGINT NOT NULL,
    PRIMARY KEY (pool, number),
    CHECK ((held_until IS NOT NULL) = (state = 'held'))
);

CREATE UNIQUE INDEX one_claim_per_level ON claims (candidate, paper, level)
    WHERE state IN ('held', 'waiting', 'paid');

CREATE TABLE candidates (
    candidate         BIGINT NOT NULL PRIMARY KEY,
    agreement_version TEXT    NOT NULL,
    agreed_at         BIGINT NOT NULL
);

CREATE TABLE enrolments (
    candidate      BIGINT NOT NULL PRIMARY KEY,
    record         BIGINT NOT NULL UNIQUE,
    record_version BIGINT NOT NULL,
    campus         TEXT    NOT NULL,
    school         TEXT    NOT NULL,
    province       TEXT    NOT NULL,
    saved_at       BIGINT NOT NULL,
    delete_after   BIGINT NOT NULL
);

CREATE TABLE idempotency_keys (
    candidate BIGINT NOT NULL,
    slot      BIGINT NOT NULL,
    position  BIGINT NOT NULL,
    key       TEXT    NOT NULL,
    body      TEXT    NOT NULL,
    answer    TEXT    NOT NULL,
    PRIMARY KEY (candidate, slot)
);
