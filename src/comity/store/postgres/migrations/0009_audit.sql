-- Who of our own people looked at what, and did what: a row a page, command or act. Each has the hash of the one before in its own,
-- and `state` the number and hash of the last, so that none can be changed, dropped or moved unseen. What was read again is counted
-- outside of the chain.
CREATE TABLE audit (
    number bigint PRIMARY KEY,
    at bigint NOT NULL,
    account text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    act text COLLATE "C" NOT NULL,
    what text COLLATE "C" NOT NULL,
    purpose text COLLATE "C" NOT NULL,
    hash bytea NOT NULL,
    again bigint NOT NULL DEFAULT 0,
    again_at bigint NOT NULL DEFAULT 0
);
ALTER TABLE state ADD COLUMN last_audit bigint NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN audit_hash bytea NOT NULL DEFAULT '\x0000000000000000000000000000000000000000000000000000000000000000';

-- When an account or token was last used, to the hour.
CREATE TABLE last_use (
    account text COLLATE "C" PRIMARY KEY,
    at bigint NOT NULL
);
