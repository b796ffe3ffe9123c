"""The operators' tasks: load and dump state, issue tokens, set quotas; each runs in one transaction."""
