"""Pages and calls for browsers: login, landing page, weblogin, and menus."""
