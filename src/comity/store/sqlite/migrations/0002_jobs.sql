-- What is to be done later, a row a (kind, key). A held row has a `lease`, which names one claim and is never given again,
-- until when it is held, and in `again` whether it was enqueued meanwhile; a free row has none of the three.
CREATE TABLE job (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    payload BLOB NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    lease TEXT UNIQUE,
    leased_until INTEGER,
    again INTEGER NOT NULL,
    PRIMARY KEY (kind, key),
    CHECK ((lease IS NULL) = (leased_until IS NULL)),
    CHECK (again = 0 OR (again = 1 AND lease IS NOT NULL)),
    CHECK (lease IS NULL OR again = 1 OR attempts > 0)
) STRICT;
CREATE INDEX job_due ON job (due_at, kind, key);
