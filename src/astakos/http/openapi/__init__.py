"""The API reference: each call is described beside its handler, and published as OpenAPI and as a page."""
