-- What a review is about (R6): persons' data, so beside the journal and not in it.
-- The ticket that came with an application, sealed (AES-256-GCM).
CREATE TABLE review_tickets (
    candidate   BIGINT NOT NULL,
    application BIGINT NOT NULL,
    ticket      BYTEA   NOT NULL,
    PRIMARY KEY (candidate, application)
);

-- Sealed, for staff to compare; results that were imported before are found by `person` alone.
ALTER TABLE cet4_results ADD COLUMN id_number BYTEA;

-- Staff apply for a person, not for a token.
CREATE INDEX accounts_by_person ON accounts (person);
