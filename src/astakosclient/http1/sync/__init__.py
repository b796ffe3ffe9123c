"""The default transport of synchronous clients: blocking calls over pooled connections."""
