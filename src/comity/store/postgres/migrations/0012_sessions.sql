-- Sessions of persons at the pages. `digest` is the SHA-256 of the secret in the cookie; `stamp` that of what the account signed in
-- with, so that another secret or password ends the session.
CREATE TABLE session (
    id text COLLATE "C" PRIMARY KEY,
    digest bytea NOT NULL,
    account text COLLATE "C" NOT NULL,
    stamp bytea NOT NULL,
    made bigint NOT NULL,
    seen bigint NOT NULL,
    expires bigint NOT NULL,
    address text COLLATE "C" NOT NULL,
    agent text COLLATE "C" NOT NULL,
    ended bigint
);
CREATE UNIQUE INDEX session_digest ON session (digest);
CREATE INDEX session_account ON session (account);

-- Links that sign a person in once. `digest` is the SHA-256 of the secret in the link, `made_by` the person who made it.
CREATE TABLE sign_in_link (
    digest bytea PRIMARY KEY,
    account text COLLATE "C" NOT NULL,
    stamp bytea NOT NULL,
    made_by text COLLATE "C" NOT NULL,
    expires bigint NOT NULL,
    used bigint
);

-- The last step of time of which a code of the second factor was used, by account.
CREATE TABLE second_factor (
    account text COLLATE "C" PRIMARY KEY,
    counter bigint NOT NULL
);
