-- The local list and the reservations: small, and written by the central system's commands only.

INSERT INTO counters VALUES ('list_version', 0);

CREATE TABLE local_list (
    id_tag TEXT PRIMARY KEY,
    info TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE reservations (
    reservation_id INTEGER PRIMARY KEY,
    connector INTEGER NOT NULL,
    id_tag TEXT NOT NULL,
    parent_id_tag TEXT,
    expiry_date TEXT NOT NULL
) STRICT;
