-- Roles that were given to cards at this machine; those of the configuration are not among them.

CREATE TABLE cards (
    id_tag TEXT PRIMARY KEY,
    role TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Sessions whose names go once they are settled: all of them, or only that of who ended it.
-- unpurged: rows were deleted whose bytes may still lie in the file.

CREATE TABLE erasures (
    ref INTEGER PRIMARY KEY,
    whole INTEGER NOT NULL
) STRICT;

INSERT INTO counters VALUES ('unpurged', 0);
