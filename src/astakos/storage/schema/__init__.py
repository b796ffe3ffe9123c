"""Which tables there are, and how those of an older revision become these."""
