"""The client's methods, one per API call; ``tools/generate_methods.py`` derives most of the modules."""
