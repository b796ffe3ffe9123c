"""A server of the Model Context Protocol: assistants read quotas, and ask whether something would fit."""
