-- By which version what was opened to a recipient in a collection is known again: see comity.store.openings.
CREATE TABLE opened (
    recipient text COLLATE "C" NOT NULL,
    collection integer NOT NULL,
    version text COLLATE "C" NOT NULL,
    PRIMARY KEY (recipient, collection)
);

-- How much left for a recipient, by the hour since 1970.
CREATE TABLE delivery (
    recipient text COLLATE "C" NOT NULL,
    hour bigint NOT NULL,
    objects bigint NOT NULL,
    bytes bigint NOT NULL,
    PRIMARY KEY (recipient, hour)
);

-- When a recipient was last answered, until when a cap pauses it, and on which day a person was told that it takes unusually much.
CREATE TABLE usage (
    recipient text COLLATE "C" PRIMARY KEY,
    read_at bigint NOT NULL DEFAULT 0,
    paused_until bigint NOT NULL DEFAULT 0,
    told_day bigint NOT NULL DEFAULT 0
);
