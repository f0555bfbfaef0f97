-- When each residual current device was last shown to trip, and how often a test has begun since.

CREATE TABLE rcd_tests (
    connector INTEGER PRIMARY KEY,
    passed_at TEXT,
    tries INTEGER NOT NULL
) STRICT;
