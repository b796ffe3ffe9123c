"""`oauth2`: authorization codes and access tokens."""
