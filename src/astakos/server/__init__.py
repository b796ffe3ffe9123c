"""The HTTP server: from the bytes of a connection to requests, and from answers to bytes."""
