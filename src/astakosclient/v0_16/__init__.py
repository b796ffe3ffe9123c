"""The client of the 0.16 to 0.21 API: it stores its token and finds endpoints in the service catalog."""
