"""API calls as values: each describes its request, how to parse the response, and when a retry is safe."""
