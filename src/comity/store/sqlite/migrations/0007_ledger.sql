-- The ledger: an entry a thing that was done, written in the transaction that does it. `key` counts over all epochs; the log of an
-- epoch begins behind `before`. An entry whose opening was erased has neither nonce nor record.
ALTER TABLE state ADD COLUMN last_entry INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN last_entry_at INTEGER NOT NULL DEFAULT 0;

CREATE TABLE entry (
    key INTEGER PRIMARY KEY,
    commitment BLOB NOT NULL,
    nonce BLOB,
    record BLOB
) STRICT;

CREATE TABLE epoch (
    number INTEGER PRIMARY KEY,
    before INTEGER NOT NULL,
    origin TEXT NOT NULL
) STRICT;

-- Derived from the commitments, and made anew by `comity doctor --rebuild`. Of the hashes of level 0 the first four bytes each: the
-- rest follows from the commitment, and these are enough to name an entry whose row was changed.
CREATE TABLE tile (
    epoch INTEGER NOT NULL,
    level INTEGER NOT NULL,
    place INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (epoch, level, place)
) STRICT;

CREATE TABLE checkpoint (
    epoch INTEGER NOT NULL,
    size INTEGER NOT NULL,
    at INTEGER NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (epoch, size, at)
) STRICT;

-- Which keys sign checkpoints; of a retired one the private half is gone.
CREATE TABLE ledger_key (
    verifier TEXT PRIMARY KEY,
    secret BLOB,
    made_at INTEGER NOT NULL,
    retired_at INTEGER
) STRICT;

-- What left, a page or message a row, with the digest of its items; the same page again within a day is counted here.
CREATE TABLE release (
    entry INTEGER PRIMARY KEY,
    recipient TEXT NOT NULL,
    form TEXT NOT NULL,
    at INTEGER NOT NULL,
    digest BLOB NOT NULL,
    policy INTEGER NOT NULL,
    again INTEGER NOT NULL DEFAULT 0,
    again_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX release_digest ON release (recipient, digest);

-- Of a release the publications that went by each rule, as bitmaps of their numbers.
CREATE TABLE release_part (
    entry INTEGER NOT NULL,
    rule TEXT NOT NULL,
    numbers BLOB NOT NULL,
    PRIMARY KEY (entry, rule)
) STRICT;

-- What a number stood for that is published no more, so that the record of what left can still say it.
CREATE TABLE former (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    version TEXT NOT NULL,
    source INTEGER NOT NULL,
    digest BLOB NOT NULL
) STRICT;
CREATE INDEX former_id ON former (id);
