-- Sessions of persons at the pages. `digest` is the SHA-256 of the secret in the cookie; `stamp` that of what the account signed in
-- with, so that another secret or password ends the session.
CREATE TABLE session (
    id TEXT PRIMARY KEY,
    digest BLOB NOT NULL,
    account TEXT NOT NULL,
    stamp BLOB NOT NULL,
    made INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    ended INTEGER
) STRICT;
CREATE UNIQUE INDEX session_digest ON session (digest);
CREATE INDEX session_account ON session (account);

-- Links that sign a person in once. `digest` is the SHA-256 of the secret in the link, `made_by` the person who made it.
CREATE TABLE sign_in_link (
    digest BLOB PRIMARY KEY,
    account TEXT NOT NULL,
    stamp BLOB NOT NULL,
    made_by TEXT NOT NULL,
    expires INTEGER NOT NULL,
    used INTEGER
) STRICT, WITHOUT ROWID;

-- The last step of time of which a code of the second factor was used, by account.
CREATE TABLE second_factor (
    account TEXT PRIMARY KEY,
    counter INTEGER NOT NULL
) STRICT;
