-- What was erased, by keyed hashes of ids and of bodies, so that it is not taken in again.
CREATE TABLE erased (
    hash bytea PRIMARY KEY
);

-- Objects of which nothing is destroyed before `until`, unless the hold was ended.
CREATE TABLE legal_hold (
    id text COLLATE "C" PRIMARY KEY,
    object text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    made_by text COLLATE "C" NOT NULL,
    made_at bigint NOT NULL,
    until bigint NOT NULL,
    ended_at bigint
);
CREATE INDEX legal_hold_object ON legal_hold (object);
