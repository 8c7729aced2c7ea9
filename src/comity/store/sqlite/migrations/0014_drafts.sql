-- What persons write and have not saved yet, each for one account alone (empty: the host's operator). `object` is the id that the
-- object has or will have, `base` the version of it that is edited (empty: a new object), `body` what was typed, as JSON.
CREATE TABLE draft (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    object TEXT NOT NULL,
    type TEXT NOT NULL,
    base TEXT NOT NULL,
    revision INTEGER NOT NULL,
    made INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX draft_account ON draft (account);
