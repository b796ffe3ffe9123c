"""Pages and calls for browsers: login, weblogin, terms, invitations, the landing page, and menus."""
