-- Persons' data, apart from the journal, so that it can be deleted without touching that (R35).
-- ID numbers and phones are sealed (AES-256-GCM) and found by a keyed hash.
CREATE TABLE accounts (
    candidate       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    identity        BLOB    NOT NULL UNIQUE,
    province        TEXT    NOT NULL,
    id_type         TEXT    NOT NULL,
    person          BLOB    NOT NULL,
    id_number       BLOB    NOT NULL,
    name            TEXT    NOT NULL,
    phone           BLOB    NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;

CREATE TABLE students (
    record         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    person         BLOB    NOT NULL UNIQUE,
    version        INTEGER NOT NULL,
    digest         BLOB    NOT NULL,
    name           TEXT    NOT NULL,
    province       TEXT    NOT NULL,
    school         TEXT    NOT NULL,
    campus         TEXT    NOT NULL,
    subjects       TEXT    NOT NULL,
    barred         TEXT    NOT NULL,
    open_campuses  TEXT    NOT NULL
) STRICT;

-- Every version of a record that was ever imported: an enrolment keeps the one that was confirmed (R8).
CREATE TABLE student_versions (
    record  INTEGER NOT NULL,
    version INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (record, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE cet4_results (
    ticket TEXT    NOT NULL PRIMARY KEY,
    person BLOB    NOT NULL,
    name   TEXT    NOT NULL,
    year   INTEGER NOT NULL,
    score  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What candidates wrote in their own words when they left a queue (R22).
CREATE TABLE remarks (
    claim TEXT    NOT NULL,
    at    INTEGER NOT NULL,
    text  TEXT    NOT NULL
) STRICT;

-- Imports that were cut off are resumed from their spooled file, or discarded if nothing was applied yet.
CREATE TABLE imports (
    id       TEXT    NOT NULL PRIMARY KEY,
    kind     TEXT    NOT NULL,
    spool    TEXT    NOT NULL,
    skip_bad INTEGER NOT NULL,
    staff    TEXT    NOT NULL,
    scope    TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
