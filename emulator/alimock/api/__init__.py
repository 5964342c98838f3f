"""The gateway in front of the operations: what comes over the wire and what goes back. Neither Flask nor operations."""
