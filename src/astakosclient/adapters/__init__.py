"""Transports on top of other HTTP libraries; import each module explicitly, as it requires its library."""
