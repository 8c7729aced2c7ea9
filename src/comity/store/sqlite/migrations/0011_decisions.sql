-- By which entry of the ledger the decisions of all classes were last entered for a recipient: see comity.node.deciding.
CREATE TABLE decided (
    recipient TEXT PRIMARY KEY,
    entry INTEGER NOT NULL,
    digest BLOB NOT NULL
) STRICT;
