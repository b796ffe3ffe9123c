"""The demo: a guided run of every documented call of the client."""
