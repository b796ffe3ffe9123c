"""All SQL: the schema, the connections, and one module of statements for each part of the state."""
