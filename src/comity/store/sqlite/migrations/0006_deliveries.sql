-- By which version what was opened to a recipient in a collection is known again: see comity.store.openings.
CREATE TABLE opened (
    recipient TEXT NOT NULL,
    collection INTEGER NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (recipient, collection)
) STRICT;

-- How much left for a recipient, by the hour since 1970.
CREATE TABLE delivery (
    recipient TEXT NOT NULL,
    hour INTEGER NOT NULL,
    objects INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (recipient, hour)
) STRICT;

-- When a recipient was last answered, until when a cap pauses it, and on which day a person was told that it takes unusually much.
CREATE TABLE usage (
    recipient TEXT PRIMARY KEY,
    read_at INTEGER NOT NULL DEFAULT 0,
    paused_until INTEGER NOT NULL DEFAULT 0,
    told_day INTEGER NOT NULL DEFAULT 0
) STRICT;
