-- Updates and uploads that a restart goes on with; at most one of each kind.

CREATE TABLE jobs (
    kind TEXT PRIMARY KEY,
    ordered TEXT NOT NULL,
    stage TEXT NOT NULL,
    status TEXT,
    attempts INTEGER NOT NULL
) STRICT;
