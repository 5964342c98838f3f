"""Comparison with the real service: plays conversations against an endpoint and an emulator, and reports the differences."""
