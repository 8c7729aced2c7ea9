-- What is to be done later, a row a (kind, key). A held row has a `lease`, which names one claim and is never given again,
-- until when it is held, and in `again` whether it was enqueued meanwhile; a free row has none of the three.
CREATE TABLE job (
    kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    payload bytea NOT NULL,
    due_at bigint NOT NULL,
    attempts bigint NOT NULL,
    last_error text COLLATE "C" NOT NULL,
    lease text COLLATE "C" UNIQUE,
    leased_until bigint,
    again integer NOT NULL,
    PRIMARY KEY (kind, key),
    CHECK ((lease IS NULL) = (leased_until IS NULL)),
    CHECK (again = 0 OR (again = 1 AND lease IS NOT NULL)),
    CHECK (lease IS NULL OR again = 1 OR attempts > 0)
);
CREATE INDEX job_due ON job (due_at, kind, key);
