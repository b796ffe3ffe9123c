"""Differences between the generations of the API: one dialect for each, chosen when the service starts."""
