-- Persons' data, apart from the journal, so that it can be deleted without touching that (R35).
-- ID numbers and phones are sealed (AES-256-GCM) and found by a keyed hash.
CREATE TABLE accounts (
    candidate       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    identity        BYTEA   NOT NULL UNIQUE,
    province        TEXT    NOT NULL,
    id_type         TEXT    NOT NULL,
    person          BYTEA   NOT NULL,
    id_number       BYTEA   NOT NULL,
    name            TEXT    NOT NULL,
    phone           BYTEA   NOT NULL,
    created_at      BIGINT NOT NULL
);

CREATE TABLE students (
    record         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person         BYTEA   NOT NULL UNIQUE,
    version        BIGINT NOT NULL,
    digest         BYTEA   NOT NULL,
    name           TEXT    NOT NULL,
    province       TEXT    NOT NULL,
    school         TEXT    NOT NULL,
    campus         TEXT    NOT NULL,
    subjects       TEXT    NOT NULL,
    barred         TEXT    NOT NULL,
    open_campuses  TEXT    NOT NULL
);

-- Every version of a record that was ever imported: an enrolment keeps the one that was confirmed (R8).
CREATE TABLE student_versions (
    record  BIGINT NOT NULL,
    version BIGINT NOT NULL,
    body    BYTEA   NOT NULL,
    PRIMARY KEY (record, version)
);

CREATE TABLE cet4_results (
    ticket TEXT    NOT NULL PRIMARY KEY,
    person BYTEA   NOT NULL,
    name   TEXT    NOT NULL,
    year   BIGINT NOT NULL,
    score  BIGINT NOT NULL
);

-- What candidates wrote in their own words when they left a queue (R22).
CREATE TABLE remarks (
    claim TEXT    NOT NULL,
    at    BIGINT NOT NULL,
    text  TEXT    NOT NULL
);

-- Imports that were cut off are resumed from their spooled file, or discarded if nothing was applied yet.
CREATE TABLE imports (
    id       TEXT    NOT NULL PRIMARY KEY,
    kind     TEXT    NOT NULL,
    spool    TEXT    NOT NULL,
    skip_bad BIGINT NOT NULL,
    staff    TEXT    NOT NULL,
    scope    TEXT    NOT NULL
);
