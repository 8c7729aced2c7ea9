-- Another TLP level that a person put beside a copy: it takes the place of its source's, and what the object says itself holds
-- where that is stricter.
ALTER TABLE object ADD COLUMN mark smallint;

-- Many objects that somebody withdrew or marked at once, so that it can be undone as a whole. `level` is the marking; `asked` says
-- how they were chosen; `undo_at` is when it was to be undone.
CREATE TABLE batch (
    id text COLLATE "C" PRIMARY KEY,
    act text COLLATE "C" NOT NULL,
    level smallint,
    account text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    reason text COLLATE "C" NOT NULL,
    asked text COLLATE "C" NOT NULL,
    undo_at bigint
);
CREATE INDEX batch_at ON batch (at);

-- What became of each copy of a batch: `object` is its key and follows it when that moves, `why` the reason for which it was passed
-- over, and `before` what it was.
CREATE TABLE batch_item (
    batch text COLLATE "C" NOT NULL,
    place bigint NOT NULL,
    object bigint NOT NULL,
    state text COLLATE "C" NOT NULL,
    why text COLLATE "C" NOT NULL,
    before bytea NOT NULL,
    PRIMARY KEY (batch, place)
);
CREATE INDEX batch_item_object ON batch_item (object);
