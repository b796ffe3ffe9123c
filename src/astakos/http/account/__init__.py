"""`account/v1.0`: users, user catalogs, resources, quotas, and feedback."""
