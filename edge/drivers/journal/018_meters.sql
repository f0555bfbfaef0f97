-- Which meter a session began with, by its serial number: only its register may end it. NULL: nobody knows.

ALTER TABLE transactions ADD COLUMN meter_serial TEXT;
