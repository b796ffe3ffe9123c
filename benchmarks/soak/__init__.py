"""A soak: hours of mixed load and faults on a real service, and whether anything drifts or is lost."""
