"""The client of the Astakos identity and quota API."""
