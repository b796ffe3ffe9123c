"""The quota ledger: pure rules over holdings, and the group-commit engine around them."""
