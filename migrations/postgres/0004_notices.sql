-- What candidates are told of (R36): the events of the journal that are notices. Made from it, like all tables.
CREATE TABLE notices (
    cell      TEXT   NOT NULL,
    position  BIGINT NOT NULL,
    candidate BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    body      TEXT   NOT NULL,
    PRIMARY KEY (cell, position)
);

CREATE INDEX notices_of_candidate ON notices (candidate, cell, position);

-- Up to which payment deadline a cell's candidates have been reminded, by how long before it: recovery goes on there.
CREATE TABLE reminders (
    cell       TEXT   NOT NULL,
    lead_ms    BIGINT NOT NULL,
    held_until BIGINT NOT NULL,
    PRIMARY KEY (cell, lead_ms)
);
