-- Charging profiles survive a reboot (errata 3.37); an id is used once per charge point.

CREATE TABLE profiles (
    id INTEGER PRIMARY KEY,
    installed TEXT NOT NULL
) STRICT;
