-- A weld that feedback showed lets go by itself; what the meter or many trips latched, only by hand.

CREATE TABLE latched (
    connector INTEGER NOT NULL,
    latch TEXT NOT NULL,
    code TEXT NOT NULL,
    info TEXT NOT NULL,
    PRIMARY KEY (connector, latch)
) STRICT;

INSERT INTO latched (connector, latch, code, info)
SELECT connector, 'welded', max(code), max(info) FROM faults GROUP BY connector;

DROP TABLE faults;

ALTER TABLE latched RENAME TO faults;

CREATE TABLE wear (
    connector INTEGER PRIMARY KEY,
    closings INTEGER NOT NULL,
    hot_opens INTEGER NOT NULL
) STRICT;
