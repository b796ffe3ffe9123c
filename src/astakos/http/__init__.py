"""The HTTP API as an ASGI application: routes, handlers, responses, and faults."""
