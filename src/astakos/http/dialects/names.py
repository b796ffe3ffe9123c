"""The names of the dialects in a deployment's settings; without the dialects, which only workers load."""

NEWEST_NAME = "newest"
V0_14_NAME = "0.14"
