"""How the tables of each revision became those of the next, for Alembic."""
