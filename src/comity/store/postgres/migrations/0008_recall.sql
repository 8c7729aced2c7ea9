-- What was taken back from partners and is not published again: an object by its id, in the version of that instant or (empty) in
-- any, where it is from others or (`ours`) from ourselves too.
CREATE TABLE bar (
    id text COLLATE "C" NOT NULL,
    instant text COLLATE "C" NOT NULL,
    ours bigint NOT NULL,
    recall text COLLATE "C" NOT NULL,
    PRIMARY KEY (id, instant, ours)
);

-- The class that it had last, so that who may not read it is not told of it either.
ALTER TABLE former ADD COLUMN class bigint NOT NULL DEFAULT 0;
