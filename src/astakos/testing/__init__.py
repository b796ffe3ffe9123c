"""Runs a real service in a test's own process; `astakosclient.testing` is the public API."""
