-- Tokens that act as an account: its id, and the SHA-256 of what it signed in with, so that another password ends them.
ALTER TABLE token ADD COLUMN account text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE token ADD COLUMN stamp bytea NOT NULL DEFAULT '';

-- What was answered to a request that named itself by a key: see comity.node.answering. `asked` is the SHA-256 of the request; a
-- status of 0 says that it is being done.
CREATE TABLE answered (
    account text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    asked bytea NOT NULL,
    at bigint NOT NULL,
    status integer NOT NULL,
    location text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (account, key)
);
