-- What the release gate rests on. Records are partners, clients, groups, policies: every version stays, the highest counts.
CREATE TABLE record (
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    changed_at bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (kind, id, version)
);

-- Release classes, each in its one canonical form.
CREATE TABLE class (
    key bigint PRIMARY KEY,
    digest bytea NOT NULL UNIQUE,
    form bytea NOT NULL
);

ALTER TABLE state ADD COLUMN last_publication bigint NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN last_republication bigint NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN relation_cursor bigint NOT NULL DEFAULT 0;

-- One row a published copy, under a number that rises as copies are published and is never used again. `object` is the key
-- of the copy and follows it when that moves; `at` rises with the number. `shared` says that another publication in the
-- same collection has, or had, the same id.
CREATE TABLE publication (
    number bigint PRIMARY KEY,
    object bigint NOT NULL UNIQUE,
    class bigint NOT NULL,
    at bigint NOT NULL,
    shared integer NOT NULL
);
CREATE INDEX publication_class ON publication (class);

-- Publications that nobody is served before an instant.
CREATE TABLE hold (
    number bigint PRIMARY KEY,
    until bigint NOT NULL
);

-- Which publications changed or went, for processes that keep bitmaps; the oldest are dropped.
CREATE TABLE republication (
    change bigint PRIMARY KEY,
    number bigint NOT NULL
);

-- What was opened to a recipient in a collection, and when: see comity.release.openings.
CREATE TABLE opening (
    recipient text COLLATE "C" NOT NULL,
    collection integer NOT NULL,
    place bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (recipient, collection, place)
);

-- How objects refer to ids, and whose names stand in their texts: see comity.store.relations.
CREATE TABLE target (
    key bigint PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE relation (
    object bigint NOT NULL,
    target bigint NOT NULL,
    need integer NOT NULL,
    PRIMARY KEY (object, target, need)
);
CREATE INDEX relation_target ON relation (target, need);
