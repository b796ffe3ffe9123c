"""`oauth2`: authorization codes and access tokens of OAuth2."""
