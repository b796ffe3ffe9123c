"""The Astakos service."""
