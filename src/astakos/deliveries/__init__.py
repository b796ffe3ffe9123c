"""Delivers events to people and programs: by mail, to webhooks, or into the log."""
