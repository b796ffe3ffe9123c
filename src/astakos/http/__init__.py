"""The wire: routes, handlers, answers and faults over ASGI. All HTTP facts are here and nowhere else."""
