-- How often dialling the central system has failed in a row, where that is worth remembering.

CREATE TABLE backoff (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    failures INTEGER NOT NULL
) STRICT;
