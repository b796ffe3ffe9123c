"""The client's methods, one per API call; ``tools/generate_methods.py`` derives three of the four modules."""
