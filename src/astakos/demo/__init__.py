"""A guided run of every documented call: its world, its story, and how it is told."""
