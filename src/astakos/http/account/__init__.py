"""`account/v1.0`: users, names, resources, quotas, feedback."""
