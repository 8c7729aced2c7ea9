-- The tables of the SQLite store, with what PostgreSQL wants otherwise. Text is compared byte by byte, as SQLite does.

-- One row; every change of the store moves one of these numbers in its own transaction, which takes this row before it
-- writes anything: who holds it is the one writer. Keys are never used again.
CREATE TABLE state (
    one integer PRIMARY KEY CHECK (one = 1),
    last_key bigint NOT NULL,
    last_change bigint NOT NULL,
    admin_version bigint NOT NULL,
    text_cursor bigint NOT NULL,
    text_version bigint NOT NULL,
    text_dirty bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO state VALUES (1, 0, 0, 1, 0, 0, 0);

CREATE TABLE collection (
    key integer PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    title text COLLATE "C" NOT NULL,
    alias text COLLATE "C" UNIQUE,
    description text COLLATE "C" NOT NULL,
    last_added bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE source (
    key integer PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    kind text COLLATE "C" NOT NULL,
    strict integer NOT NULL,
    default_marking text COLLATE "C" NOT NULL,
    publish text COLLATE "C" NOT NULL,
    labels_are_markings integer NOT NULL,
    created_at bigint NOT NULL
);

CREATE TABLE type (
    key integer PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE object (
    key bigint PRIMARY KEY,
    added bigint NOT NULL,
    gone bigint NOT NULL,
    rank bigint,
    withdrawn_at bigint,
    class bigint,
    collection integer NOT NULL,
    source integer NOT NULL,
    type integer NOT NULL,
    size integer NOT NULL,
    state smallint NOT NULL,
    flags smallint NOT NULL,
    tlp smallint,
    default_tlp smallint,
    id text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    instant text COLLATE "C" NOT NULL,
    digest bytea NOT NULL
);
CREATE UNIQUE INDEX object_identity ON object (id, collection, source, instant, gone);
CREATE INDEX object_withdrawn ON object (withdrawn_at) WHERE withdrawn_at IS NOT NULL AND size > 0;

CREATE TABLE body (
    key bigint PRIMARY KEY,
    body bytea NOT NULL
);
-- Never compressed: compressing costs more than a third of the time of an insert, and pages would pay again.
ALTER TABLE body ALTER body SET STORAGE EXTERNAL;

CREATE TABLE change (
    change bigint PRIMARY KEY,
    key bigint NOT NULL
);

CREATE TABLE token (
    id text COLLATE "C" PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    source text COLLATE "C" NOT NULL,
    readable text COLLATE "C" NOT NULL,
    writable text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    revoked_at bigint
);

CREATE TABLE status (
    id text COLLATE "C" PRIMARY KEY,
    token text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    body bytea NOT NULL
);
CREATE INDEX status_created ON status (created_at);

CREATE TABLE setting (
    name text COLLATE "C" PRIMARY KEY,
    value bytea NOT NULL
);

-- Full text: the folded names, in which parts are found, and the folded words of prose, each behind a space. An index of
-- trigrams is laid over both where the extension pg_trgm can be had.
CREATE TABLE text_index (
    key bigint PRIMARY KEY,
    names text COLLATE "C" NOT NULL,
    words text COLLATE "C" NOT NULL
);

-- What SQLite brings of itself.
CREATE FUNCTION hex(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT encode($1, 'hex') $$;
