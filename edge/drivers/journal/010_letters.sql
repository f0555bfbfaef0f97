-- Whether a StartTransaction is a dead letter is told by that table.

ALTER TABLE transactions DROP COLUMN start_parked;
