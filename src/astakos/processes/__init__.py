"""The processes of one `astakos serve`: the supervisor, which has the engine, and the HTTP workers."""
