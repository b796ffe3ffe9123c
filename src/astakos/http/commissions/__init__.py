"""`account/v1.0/commissions`: issuing, resolving, history, reconciliation."""
