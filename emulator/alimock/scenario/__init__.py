"""Scenarios: YAML text in, a frozen `Scenario` out. Nothing in this folder knows HTTP or the state of a running emulator."""
