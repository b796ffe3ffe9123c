"""Each call of the API as a value: what to send, how to read the answer, when it may be sent again."""
