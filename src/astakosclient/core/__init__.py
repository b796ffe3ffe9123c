"""Call logic without sockets: what to send, whether to retry, and how to read the response."""
