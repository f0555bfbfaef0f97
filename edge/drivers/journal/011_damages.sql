-- Journals before this one that were found damaged: what came over, and whether somebody knows of it.

CREATE TABLE damages (
    id INTEGER PRIMARY KEY,
    aside TEXT NOT NULL,
    rows INTEGER NOT NULL,
    broken TEXT NOT NULL,
    told INTEGER NOT NULL DEFAULT 0,
    accepted INTEGER NOT NULL DEFAULT 0
) STRICT;
