"""The client of a running emulator: one module for each resource of the control API.

Its only dependency is PyYAML, for reading scenario files.
"""
