"""Users, components, services, resources, and tokens: values and rules without I/O."""
