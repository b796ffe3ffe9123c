"""The tables, defined once for all databases: a module for each area, and `all_tables`."""
