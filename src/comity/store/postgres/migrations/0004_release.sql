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

-- How objects refer to ids, and which texts say which names: see comity.store.relations and comity.store.mentions.
ALTER TABLE state ADD COLUMN last_told bigint NOT NULL DEFAULT 0;

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

-- The copies whose names and texts are known, the id of each, and in which segment of `word` its words stand.
CREATE TABLE telling (
    object bigint PRIMARY KEY,
    target bigint NOT NULL,
    segment bigint NOT NULL
);
CREATE INDEX telling_target ON telling (target);

-- A name is known by a digest of its words; `tail` is one of its last two, and `length` counts them. `crowded` is 1 where
-- so many texts may say it that they are not listed, and every text counts as saying it.
CREATE TABLE name (
    name bigint PRIMARY KEY,
    tail bigint NOT NULL,
    length integer NOT NULL,
    crowded integer NOT NULL
);
CREATE INDEX name_tail ON name (tail);

CREATE TABLE naming (
    object bigint NOT NULL,
    name bigint NOT NULL,
    PRIMARY KEY (object, name)
);
CREATE INDEX naming_name ON naming (name);

CREATE TABLE mention (
    object bigint NOT NULL,
    name bigint NOT NULL,
    PRIMARY KEY (object, name)
);
CREATE INDEX mention_name ON mention (name);

-- Which texts have a word (a digest of it): the keys of copies, four bytes each.
CREATE TABLE word (
    word bigint NOT NULL,
    segment bigint NOT NULL,
    objects bytea NOT NULL,
    PRIMARY KEY (word, segment)
);
