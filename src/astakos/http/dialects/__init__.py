"""Where the generations of the API differ: one value for each, chosen when the service starts."""
