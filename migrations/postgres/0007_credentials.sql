-- What a candidate logs in with (R1), beside the accounts of 0002. No key, password or code lies here in clear:
-- passwords as Argon2id, codes as keyed hashes, phones and payloads sealed (AES-256-GCM).

-- Rises with every new password; a token names the one it was made under and ends with it.
ALTER TABLE accounts ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;

-- request: the keyed hash of the idempotency key that the registration came with.
CREATE TABLE credentials (
    candidate  BIGINT NOT NULL PRIMARY KEY,
    login      BYTEA   NOT NULL UNIQUE,
    password   TEXT    NOT NULL,
    request    BYTEA,
    changed_at BIGINT NOT NULL
);

-- Sessions that were logged out of, until their tokens would have ended anyway.
CREATE TABLE ended_sessions (
    session TEXT    NOT NULL PRIMARY KEY,
    ends_at BIGINT NOT NULL
);

CREATE INDEX ended_sessions_by_end ON ended_sessions (ends_at);

-- Codes that were sent to a phone and wait to be typed in; candidate 0 is nobody, so that asking takes the same.
-- sent: the code itself, sealed, of the one whose message went out; others may share it. tries_left: -1 where
-- it was used.
CREATE TABLE codes (
    id         TEXT    NOT NULL PRIMARY KEY,
    purpose    TEXT    NOT NULL,
    candidate  BIGINT NOT NULL,
    phone      BYTEA   NOT NULL,
    code       BYTEA   NOT NULL,
    sent       BYTEA,
    tries_left BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL
);

CREATE INDEX codes_by_end ON codes (ends_at);
CREATE INDEX codes_by_candidate ON codes (candidate, ends_at);
