-- The security log: the newest lines, and which of them the central system has not heard yet.

CREATE TABLE security_events (
    seq INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    at TEXT NOT NULL,
    info TEXT,
    untold INTEGER NOT NULL
) STRICT;
