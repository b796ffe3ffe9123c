"""`identity/v3`: the part of OpenStack's Keystone API that tools need to log in and find services."""
