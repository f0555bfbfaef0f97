-- Roots that the central system installed, and the station's own certificate with its private key.

CREATE TABLE roots (
    position INTEGER PRIMARY KEY,
    use TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    root TEXT NOT NULL,
    UNIQUE (use, fingerprint)
) STRICT;

CREATE TABLE credentials (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    kept TEXT NOT NULL
) STRICT;
