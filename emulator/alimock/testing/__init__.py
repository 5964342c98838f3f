"""What the pytest plugin and `alimock run` share: a test's session, strict mode, the failure report, environment variables."""
