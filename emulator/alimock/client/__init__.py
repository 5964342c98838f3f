"""The client of a running emulator, by the resources of the control API.

Its only dependency is PyYAML, for reading scenario files.
"""
