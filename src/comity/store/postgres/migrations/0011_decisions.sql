-- By which entry of the ledger the decisions of all classes were last entered for a recipient: see comity.node.deciding.
CREATE TABLE decided (
    recipient text COLLATE "C" PRIMARY KEY,
    entry bigint NOT NULL,
    digest bytea NOT NULL
);
