"""Who changed what, and which person a member of the staff looked at: rows that stay."""
