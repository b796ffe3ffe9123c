"""Examines an installation, and says in words what is wrong and what to do (`astakos doctor`)."""
