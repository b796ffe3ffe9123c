"""Events: what happened in the administration, as values and rules without I/O."""
