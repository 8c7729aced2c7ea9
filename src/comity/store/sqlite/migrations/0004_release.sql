-- What the release gate rests on. Records are partners, clients, groups, policies: every version stays, the highest counts.
CREATE TABLE record (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (kind, id, version)
) STRICT;

-- Release classes, each in its one canonical form.
CREATE TABLE class (
    key INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    form BLOB NOT NULL
) STRICT;

ALTER TABLE state ADD COLUMN last_publication INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN last_republication INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN relation_cursor INTEGER NOT NULL DEFAULT 0;

-- One row a published copy, under a number that rises as copies are published and is never used again. `object` is the key
-- of the copy and follows it when that moves; `at` rises with the number. `shared` says that another publication in the
-- same collection has, or had, the same id.
CREATE TABLE publication (
    number INTEGER PRIMARY KEY,
    object INTEGER NOT NULL UNIQUE,
    class INTEGER NOT NULL,
    at INTEGER NOT NULL,
    shared INTEGER NOT NULL
) STRICT;
CREATE INDEX publication_class ON publication (class);

-- Publications that nobody is served before an instant.
CREATE TABLE hold (
    number INTEGER PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT;

-- Which publications changed or went, for processes that keep bitmaps; the oldest are dropped.
CREATE TABLE republication (
    change INTEGER PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT;

-- What was opened to a recipient in a collection, and when: see comity.release.openings.
CREATE TABLE opening (
    recipient TEXT NOT NULL,
    collection INTEGER NOT NULL,
    place INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (recipient, collection, place)
) STRICT;

-- How objects refer to ids, and which texts say which names: see comity.store.relations and comity.store.mentions.
ALTER TABLE state ADD COLUMN last_told INTEGER NOT NULL DEFAULT 0;

CREATE TABLE target (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE relation (
    object INTEGER NOT NULL,
    target INTEGER NOT NULL,
    need INTEGER NOT NULL,
    PRIMARY KEY (object, target, need)
) STRICT, WITHOUT ROWID;
CREATE INDEX relation_target ON relation (target, need);

-- The copies whose names and texts are known, the id of each, and in which segment of `word` its words stand.
CREATE TABLE telling (
    object INTEGER PRIMARY KEY,
    target INTEGER NOT NULL,
    segment INTEGER NOT NULL
) STRICT;
CREATE INDEX telling_target ON telling (target);

-- A name is known by a digest of its words; `tail` is one of its last two, and `length` counts them. `crowded` is 1 where
-- so many texts may say it that they are not listed, and every text counts as saying it.
CREATE TABLE name (
    name INTEGER PRIMARY KEY,
    tail INTEGER NOT NULL,
    length INTEGER NOT NULL,
    crowded INTEGER NOT NULL
) STRICT;
CREATE INDEX name_tail ON name (tail);

CREATE TABLE naming (
    object INTEGER NOT NULL,
    name INTEGER NOT NULL,
    PRIMARY KEY (object, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX naming_name ON naming (name);

CREATE TABLE mention (
    object INTEGER NOT NULL,
    name INTEGER NOT NULL,
    PRIMARY KEY (object, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX mention_name ON mention (name);

-- Which texts have a word (a digest of it): the keys of copies, four bytes each.
CREATE TABLE word (
    word INTEGER NOT NULL,
    segment INTEGER NOT NULL,
    objects BLOB NOT NULL,
    PRIMARY KEY (word, segment)
) STRICT, WITHOUT ROWID;
