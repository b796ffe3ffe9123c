"""`identity/v3`: as much of OpenStack's Keystone as its tools need to log in and find services."""
