-- What the outbox has sent, which the journal does not know: kept with the persons' data, since tables are disposable.
-- Up to which position each cell's notices have been sent or set aside. The row of cell `all` says that it has begun.
CREATE TABLE outbox_cursors (
    cell     TEXT   NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL
);

-- What is sent one by one until it is taken or its time is over: codes, which no event stands for, and notices that the
-- receiver refused while it took others. The body is sealed (AES-256-GCM). code: which one it carries; it goes
-- with that. Candidate 0 is nobody: what is written to it is never due.
CREATE TABLE messages (
    message    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    candidate  BIGINT NOT NULL,
    code       TEXT,
    body       BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    next_at    BIGINT NOT NULL
);

CREATE INDEX messages_due ON messages (next_at) WHERE candidate <> 0;

CREATE INDEX messages_of_code ON messages (code);
