"""All SQL: the schema, connections, and one module of statements for each part of the service's state."""
