"""What operators ask of chargers, kept as rows."""
