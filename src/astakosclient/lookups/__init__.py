"""Cached and combined lookups of user names and UUIDs."""
