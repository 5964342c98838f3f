"""The HTTP server: connections, TLS, limits, and response faults on the wire."""
