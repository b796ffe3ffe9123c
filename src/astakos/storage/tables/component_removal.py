"""Removes components, as far as nothing refers to them for good."""

from astakos.storage.protocol import Connection

COUNT_PENDING = "SELECT count(*) FROM pending_commissions WHERE component_id = ?"
HAS_RESOLVED = "SELECT 1 FROM resolved_commissions WHERE component_id = ? LIMIT 1"
HAS_KEYS = "SELECT 1 FROM idempotency_keys WHERE component_id = ? LIMIT 1"
END_TOKEN = "UPDATE components SET token_hash = NULL, token_created = NULL, token_expires = NULL WHERE id = ?"
END_NAMED_TOKENS = "DELETE FROM component_tokens WHERE component_id = ?"
LEAVE_CATALOG = """
DELETE FROM endpoints WHERE service_id IN (SELECT id FROM services WHERE component_id = ?)
"""
HIDE_RESOURCES = """
UPDATE resources SET ui_visible = ?, api_visible = ?
WHERE service_id IN (SELECT id FROM services WHERE component_id = ?)
"""
DELETE_SERVICES = """
DELETE FROM services WHERE component_id = ? AND id NOT IN (SELECT service_id FROM resources)
"""
DELETE = "DELETE FROM components WHERE id = ?"


def count_pending(connection: Connection, component: int) -> int:
    """Counts the pending commissions of a component."""
    return int(connection.execute(COUNT_PENDING, (component,)).fetchone()[0])


def has_history(connection: Connection, component: int) -> bool:
    """Whether there are commissions of a component, or keys of repeated ones."""
    found = (connection.execute(statement, (component,)).fetchone() for statement in (HAS_RESOLVED, HAS_KEYS))
    return any(row is not None for row in found)


def retire(connection: Connection, component: int) -> None:
    """Ends all tokens of a component, takes its services out of the catalog, and hides its resources."""
    connection.execute(END_TOKEN, (component,))
    connection.execute(END_NAMED_TOKENS, (component,))
    connection.execute(LEAVE_CATALOG, (component,))
    connection.execute(HIDE_RESOURCES, (False, False, component))
    connection.execute(DELETE_SERVICES, (component,))


def delete(connection: Connection, component: int) -> None:
    """Deletes a component that has no services, tokens and commissions."""
    connection.execute(DELETE, (component,))
