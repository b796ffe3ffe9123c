"""The default transport of asynchronous clients."""
