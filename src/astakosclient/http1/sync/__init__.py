"""The default transport of synchronous clients."""
