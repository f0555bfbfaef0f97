-- The way in that worked before the last change of key or profile, until the new one has.

CREATE TABLE fallback (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    profile INTEGER,
    key TEXT
) STRICT;
