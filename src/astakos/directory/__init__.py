"""Who is who: users, the components that call, their services and resources, tokens. Rules only, no I/O."""
