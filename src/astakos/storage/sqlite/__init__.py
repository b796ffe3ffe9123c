"""The SQLite implementation: one file, one writer."""
