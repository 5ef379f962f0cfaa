-- Reviews of the eligibility for CET6 (R5-R7), one an account: made from the journal, like all tables. The body is the
-- review whole, as JSON.
CREATE TABLE reviews (
    candidate  BIGINT NOT NULL PRIMARY KEY,
    state      TEXT    NOT NULL CHECK (state IN ('pending', 'approved', 'rejected')),
    province   TEXT    NOT NULL,
    school     TEXT    NOT NULL,
    applied_at BIGINT NOT NULL,
    decided_at BIGINT,
    body       TEXT    NOT NULL,
    CHECK (state = 'approved' OR (state = 'rejected') = (decided_at IS NOT NULL))
);

CREATE INDEX reviews_by_state ON reviews (state, candidate);
