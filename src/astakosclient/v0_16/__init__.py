"""The client for code written against 0.16 to 0.21: its token is its own, its service is in the catalogue."""
