"""All that is particular to PostgreSQL, and to databases that speak its language."""
