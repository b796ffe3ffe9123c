"""HTTP/1.1 over sockets: routes, proxies, parsing, connection pools and the default transports."""
