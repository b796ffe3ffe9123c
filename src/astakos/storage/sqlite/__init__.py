"""All that is particular to SQLite: one file, one writer."""
