-- The ledger: an entry a thing that was done, written in the transaction that does it. `key` counts over all epochs; the log of an
-- epoch begins behind `before`. An entry whose opening was erased has neither nonce nor record.
ALTER TABLE state ADD COLUMN last_entry bigint NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN last_entry_at bigint NOT NULL DEFAULT 0;

CREATE TABLE entry (
    key bigint PRIMARY KEY,
    commitment bytea NOT NULL,
    nonce bytea,
    record bytea
);

CREATE TABLE epoch (
    number bigint PRIMARY KEY,
    before bigint NOT NULL,
    origin text COLLATE "C" NOT NULL
);

-- Derived from the commitments, and made anew by `comity doctor --rebuild`. Of the hashes of level 0 the first four bytes each: the
-- rest follows from the commitment, and these are enough to name an entry whose row was changed.
CREATE TABLE tile (
    epoch bigint NOT NULL,
    level bigint NOT NULL,
    place bigint NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (epoch, level, place)
);

CREATE TABLE checkpoint (
    epoch bigint NOT NULL,
    size bigint NOT NULL,
    at bigint NOT NULL,
    note text COLLATE "C" NOT NULL,
    PRIMARY KEY (epoch, size, at)
);

-- Which keys sign checkpoints; of a retired one the private half is gone.
CREATE TABLE ledger_key (
    verifier text COLLATE "C" PRIMARY KEY,
    secret bytea,
    made_at bigint NOT NULL,
    retired_at bigint
);

-- What left, a page or message a row, with the digest of its items; the same page again within a day is counted here.
CREATE TABLE release (
    entry bigint PRIMARY KEY,
    recipient text COLLATE "C" NOT NULL,
    form text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    digest bytea NOT NULL,
    policy bigint NOT NULL,
    again bigint NOT NULL DEFAULT 0,
    again_at bigint NOT NULL DEFAULT 0
);
CREATE INDEX release_digest ON release (recipient, digest);

-- Of a release the publications that went by each rule, as bitmaps of their numbers.
CREATE TABLE release_part (
    entry bigint NOT NULL,
    rule text COLLATE "C" NOT NULL,
    numbers bytea NOT NULL,
    PRIMARY KEY (entry, rule)
);

-- What a number stood for that is published no more, so that the record of what left can still say it.
CREATE TABLE former (
    number bigint PRIMARY KEY,
    id text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    source bigint NOT NULL,
    digest bytea NOT NULL
);
CREATE INDEX former_id ON former (id);
