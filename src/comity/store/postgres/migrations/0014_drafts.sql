-- What persons write and have not saved yet, each for one account alone (empty: the host's operator). `object` is the id that the
-- object has or will have, `base` the version of it that is edited (empty: a new object), `body` what was typed, as JSON.
CREATE TABLE draft (
    id text COLLATE "C" PRIMARY KEY,
    account text COLLATE "C" NOT NULL,
    object text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    base text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    made bigint NOT NULL,
    changed bigint NOT NULL,
    body bytea NOT NULL
);
CREATE INDEX draft_account ON draft (account);
