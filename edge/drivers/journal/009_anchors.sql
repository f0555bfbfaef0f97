-- When each kernel boot began, once that is known, and when it was last seen alive: what dates the
-- moments of a boot that did not know the time. Messages carry such moments whole from now on.

CREATE TABLE anchors (
    boot INTEGER PRIMARY KEY,
    zero TEXT NOT NULL,
    certain INTEGER NOT NULL
) STRICT;

CREATE TABLE lives (
    boot INTEGER PRIMARY KEY,
    monotonic REAL NOT NULL,
    at TEXT NOT NULL
) STRICT;

INSERT INTO lives SELECT 0, json_extract(at, '$.monotonic'), at FROM alive;
DROP TABLE alive;

ALTER TABLE boots ADD COLUMN boot INTEGER NOT NULL DEFAULT 0;

-- What waits already goes out with the times it has.
UPDATE outbox SET payload = json_set(payload, '$.timestamp', json_object(
    'wall', json_extract(payload, '$.timestamp'), 'monotonic', 0.0, 'trusted', json('true')
)) WHERE kind <> 'MeterValues';
UPDATE outbox SET payload = json_set(payload, '$.transaction_data', json((
    SELECT json_group_array(json_set(value, '$.timestamp', json_object(
        'wall', json_extract(value, '$.timestamp'), 'monotonic', 0.0, 'trusted', json('true')
    ))) FROM json_each(payload, '$.transaction_data')
))) WHERE kind = 'StopTransaction';
UPDATE outbox SET payload = json_set(payload, '$.meter_value', json((
    SELECT json_group_array(json_set(value, '$.timestamp', json_object(
        'wall', json_extract(value, '$.timestamp'), 'monotonic', 0.0, 'trusted', json('true')
    ))) FROM json_each(payload, '$.meter_value')
))) WHERE kind = 'MeterValues';
UPDATE dead_letters SET payload = json_set(payload, '$.timestamp', json_object(
    'wall', json_extract(payload, '$.timestamp'), 'monotonic', 0.0, 'trusted', json('true')
)) WHERE kind <> 'MeterValues';
UPDATE dead_letters SET payload = json_set(payload, '$.transaction_data', json((
    SELECT json_group_array(json_set(value, '$.timestamp', json_object(
        'wall', json_extract(value, '$.timestamp'), 'monotonic', 0.0, 'trusted', json('true')
    ))) FROM json_each(payload, '$.transaction_data')
))) WHERE kind = 'StopTransaction';
UPDATE dead_letters SET payload = json_set(payload, '$.meter_value', json((
    SELECT json_group_array(json_set(value, '$.timestamp', json_object(
        'wall', json_extract(value, '$.timestamp'), 'monotonic', 0.0, 'trusted', json('true')
    ))) FROM json_each(payload, '$.meter_value')
))) WHERE kind = 'MeterValues';
