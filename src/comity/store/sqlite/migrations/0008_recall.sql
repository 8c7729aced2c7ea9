-- What was taken back from partners and is not published again: an object by its id, in the version of that instant or (empty) in
-- any, where it is from others or (`ours`) from ourselves too.
CREATE TABLE bar (
    id TEXT NOT NULL,
    instant TEXT NOT NULL,
    ours INTEGER NOT NULL,
    recall TEXT NOT NULL,
    PRIMARY KEY (id, instant, ours)
) STRICT;

-- The class that it had last, so that who may not read it is not told of it either.
ALTER TABLE former ADD COLUMN class INTEGER NOT NULL DEFAULT 0;
