-- How many samples were let go, ever, because the disk ran short.

INSERT INTO counters VALUES ('thinned', 0);
