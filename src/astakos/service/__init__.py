"""What all handlers share: the database, the ledger, caches, pools of threads, mail."""
