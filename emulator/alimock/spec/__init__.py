"""What is known of the service, as data: wire contract, error catalog, evidence, time formats, address rules."""
