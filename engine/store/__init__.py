"""SQLite, a projection of the log: written in batches, read by everybody (laws 4 and 5)."""
