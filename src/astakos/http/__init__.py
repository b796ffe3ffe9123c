"""The HTTP API as an application behind a server: routes, handlers, responses, and faults."""
