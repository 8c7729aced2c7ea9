-- Searches that persons keep. `query` is what stands behind the `?` of the address of the list; `seen` when its owner opened it last.
CREATE TABLE saved_search (
    id text COLLATE "C" PRIMARY KEY,
    account text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    query text COLLATE "C" NOT NULL,
    made bigint NOT NULL,
    seen bigint NOT NULL
);
CREATE INDEX saved_search_account ON saved_search (account);
