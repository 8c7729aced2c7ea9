-- Tokens that act as an account: its id, and the SHA-256 of what it signed in with, so that another password ends them.
ALTER TABLE token ADD COLUMN account TEXT NOT NULL DEFAULT '';
ALTER TABLE token ADD COLUMN stamp BLOB NOT NULL DEFAULT x'';

-- What was answered to a request that named itself by a key: see comity.node.answering. `asked` is the SHA-256 of the request; a
-- status of 0 says that it is being done.
CREATE TABLE answered (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    asked BLOB NOT NULL,
    at INTEGER NOT NULL,
    status INTEGER NOT NULL,
    location TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
