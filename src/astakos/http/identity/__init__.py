"""`identity/v2.0`: tokens, the service catalog, and the administration of users."""
