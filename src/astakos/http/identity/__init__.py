"""`identity/v2.0`: what a token is worth, the service catalogue, and the administration of users."""
