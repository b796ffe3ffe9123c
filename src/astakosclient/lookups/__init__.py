"""Names for UUIDs and back: remembered for a while, and asked for together."""
