"""What browsers meet: login, landing, weblogin and menus."""
