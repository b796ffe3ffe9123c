"""Traces of the service's own work, by OpenTelemetry. Only a service that is told to trace imports that."""
