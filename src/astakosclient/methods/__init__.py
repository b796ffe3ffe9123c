"""The client's calls as methods: written once, and made into four faces by ``tools/generate_methods.py``."""
