-- What the outbox has sent, which the journal does not know: kept with the persons' data, since tables are disposable.
-- Up to which position each cell's notices have been sent or set aside. The row of cell `all` says that it has begun.
CREATE TABLE outbox_cursors (
    cell     TEXT    NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is sent one by one until it is taken or its time is over: codes, which no event stands for, and notices that the
-- receiver refused while it took others. The body is sealed (AES-256-GCM). code: which one it carries; it goes
-- with that. Candidate 0 is nobody: what is written to it is never due.
CREATE TABLE messages (
    message    INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    candidate  INTEGER NOT NULL,
    code       TEXT,
    body       BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    next_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX messages_due ON messages (next_at) WHERE candidate <> 0;

CREATE INDEX messages_of_code ON messages (code);
