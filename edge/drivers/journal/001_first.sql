-- The journal's first shape. Instants and messages are JSON text, so that any SQLite shell can read them.
-- No index beyond the keys: each would cost the card a page more per commit.

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO counters VALUES ('last_ref', 0), ('last_seq', 0);

CREATE TABLE boots (
    id INTEGER PRIMARY KEY,
    kernel_boot TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;

CREATE TABLE alive (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at TEXT NOT NULL
) STRICT;

CREATE TABLE transactions (
    ref INTEGER PRIMARY KEY,
    connector INTEGER NOT NULL,
    id_tag TEXT NOT NULL,
    begin_wh INTEGER NOT NULL,
    opened_at TEXT NOT NULL,
    parent_id_tag TEXT,
    reservation_id INTEGER,
    transaction_id INTEGER,
    id_tag_info TEXT,
    last_wh INTEGER,
    last_at TEXT,
    stopping_reason TEXT,
    stopping_at TEXT,
    stopping_id_tag TEXT,
    end_wh INTEGER,
    stopped_at TEXT,
    estimated INTEGER NOT NULL DEFAULT 0,
    start_parked INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY,
    ref INTEGER REFERENCES transactions (ref) DEFERRABLE INITIALLY DEFERRED,
    message_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    at TEXT NOT NULL,
    attempts INTEGER NOT NULL
) STRICT;

CREATE TABLE dead_letters (
    seq INTEGER PRIMARY KEY,
    ref INTEGER REFERENCES transactions (ref) DEFERRABLE INITIALLY DEFERRED,
    message_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    at TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    parked_at TEXT NOT NULL,
    code TEXT NOT NULL,
    description TEXT NOT NULL
) STRICT;

CREATE TABLE availability (
    connector INTEGER PRIMARY KEY,
    availability TEXT NOT NULL
) STRICT;

CREATE TABLE configuration (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- With its rowid: a tag cached anew goes to the end, which is the order in which tags make room.
CREATE TABLE cache (
    position INTEGER PRIMARY KEY,
    id_tag TEXT NOT NULL UNIQUE,
    info TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;

CREATE TABLE resets (
    id INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    at TEXT NOT NULL,
    seen_by INTEGER REFERENCES boots (id)
) STRICT;

CREATE TABLE faults (
    connector INTEGER NOT NULL,
    code TEXT NOT NULL,
    info TEXT NOT NULL,
    PRIMARY KEY (connector, code)
) STRICT;
