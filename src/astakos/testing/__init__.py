"""A real service in a test's own process; `astakosclient.testing` is its public face."""
