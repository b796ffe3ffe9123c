"""What operators do: declare state, look at it, hand out tokens, set quotas; each in one transaction."""
