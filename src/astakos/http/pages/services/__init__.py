"""`ui/admin/services`: components, services and resources, as administrators register and change them."""
