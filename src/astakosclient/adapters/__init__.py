"""Other people's HTTP libraries as transports; each module needs its library, and nothing else imports it."""
