"""`ui/admin/users`: users as administrators see them, and what they do about them."""
