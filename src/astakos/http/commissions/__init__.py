"""`account/v1.0/commissions`: issues, resolves, lists, and reconciles commissions."""
