"""The state of a running emulator: accounts with their records, the outbox, the clocks. Nothing here knows HTTP or the wire."""
