"""`authz/<service>`: answers proxies whether they may pass a request on (`docs/guide/gateways.md`)."""
