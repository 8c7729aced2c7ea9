-- What was erased, by keyed hashes of ids and of bodies, so that it is not taken in again.
CREATE TABLE erased (
    hash BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Objects of which nothing is destroyed before `until`, unless the hold was ended.
CREATE TABLE legal_hold (
    id TEXT PRIMARY KEY,
    object TEXT NOT NULL,
    reason TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX legal_hold_object ON legal_hold (object);
