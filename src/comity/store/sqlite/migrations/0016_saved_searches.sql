-- Searches that persons keep. `query` is what stands behind the `?` of the address of the list; `seen` when its owner opened it last.
CREATE TABLE saved_search (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    made INTEGER NOT NULL,
    seen INTEGER NOT NULL
) STRICT;
CREATE INDEX saved_search_account ON saved_search (account);
