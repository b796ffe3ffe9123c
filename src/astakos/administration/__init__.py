"""Changes to an installation, each in one transaction, and reports about it, for operators and the API."""
