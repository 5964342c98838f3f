"""A running emulator from a program's side: one file for each resource of the control API.

Of the libraries it needs PyYAML alone, to read the files of scenarios.
"""
