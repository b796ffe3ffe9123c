"""The processes of one `astakos serve`: the supervisor with the engine, and the workers that answer HTTP."""
