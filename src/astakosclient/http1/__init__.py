"""Sockets and all that is known of them: how a request gets to its server, and an answer back."""
