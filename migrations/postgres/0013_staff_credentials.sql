-- Who staff are and what they log in with (R32). A row holds while the account of its number does; logins are found by a
-- keyed hash, which those of ended accounts keep, so it is not unique.
-- person: login and name, sealed. code: sealed, sets the first password until it ends.
-- request, request_body: keyed hashes of the idempotency key and the body that the account came with.
CREATE TABLE staff_credentials (
    staff        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login        BYTEA NOT NULL,
    person       BYTEA NOT NULL,
    code         BYTEA NOT NULL,
    code_ends_at BIGINT NOT NULL,
    password     TEXT,
    request      BYTEA,
    request_body BYTEA
);

CREATE INDEX staff_credentials_by_login ON staff_credentials (login);
CREATE INDEX staff_credentials_by_request ON staff_credentials (request);
