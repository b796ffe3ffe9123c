"""What all handlers share: the database, the ledger, caches, thread pools, and limits on attempts."""
