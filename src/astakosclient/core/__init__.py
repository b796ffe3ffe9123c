"""The course of a call, without I/O: what is sent, judged, repeated and read."""
