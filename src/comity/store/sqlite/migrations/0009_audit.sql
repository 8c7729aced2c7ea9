-- Who of our own people looked at what, and did what: a row a page, command or act. Each has the hash of the one before in its own,
-- and `state` the number and hash of the last, so that none can be changed, dropped or moved unseen. What was read again is counted
-- outside of the chain.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    account TEXT NOT NULL,
    address TEXT NOT NULL,
    act TEXT NOT NULL,
    what TEXT NOT NULL,
    purpose TEXT NOT NULL,
    hash BLOB NOT NULL,
    again INTEGER NOT NULL DEFAULT 0,
    again_at INTEGER NOT NULL DEFAULT 0
) STRICT;
ALTER TABLE state ADD COLUMN last_audit INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN audit_hash BLOB NOT NULL DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000';

-- When an account or token was last used, to the hour.
CREATE TABLE last_use (
    account TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;
