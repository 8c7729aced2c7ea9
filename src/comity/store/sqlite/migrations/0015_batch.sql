-- Another TLP level that a person put beside a copy: it takes the place of its source's, and what the object says itself holds
-- where that is stricter.
ALTER TABLE object ADD COLUMN mark INTEGER;

-- Many objects that somebody withdrew or marked at once, so that it can be undone as a whole. `level` is the marking; `asked` says
-- how they were chosen; `undo_at` is when it was to be undone.
CREATE TABLE batch (
    id TEXT PRIMARY KEY,
    act TEXT NOT NULL,
    level INTEGER,
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    asked TEXT NOT NULL,
    undo_at INTEGER
) STRICT;
CREATE INDEX batch_at ON batch (at);

-- What became of each copy of a batch: `object` is its key and follows it when that moves, `why` the reason for which it was passed
-- over, and `before` what it was.
CREATE TABLE batch_item (
    batch TEXT NOT NULL,
    place INTEGER NOT NULL,
    object INTEGER NOT NULL,
    state TEXT NOT NULL,
    why TEXT NOT NULL,
    before BLOB NOT NULL,
    PRIMARY KEY (batch, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX batch_item_object ON batch_item (object);
