-- Failed sign-ins by network, within a window that began at `since`; all processes of a node count together.
CREATE TABLE failure (
    network text COLLATE "C" PRIMARY KEY,
    since bigint NOT NULL,
    count bigint NOT NULL
);
