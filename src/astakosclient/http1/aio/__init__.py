"""The default transport of asynchronous clients: non-blocking sockets, pooled per event loop."""
