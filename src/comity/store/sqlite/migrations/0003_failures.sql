-- Failed sign-ins by network, within a window that began at `since`; all processes of a node count together.
CREATE TABLE failure (
    network TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    count INTEGER NOT NULL
) STRICT;
