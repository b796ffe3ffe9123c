"""Pages about projects: for their members and owners, and for whoever decides about them."""
