"""Projects and memberships: how their state becomes limits. Rules only, no I/O."""
