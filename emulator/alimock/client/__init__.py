"""A running emulator from a program's side: one file for each resource of the control API.

It needs none of the server's libraries.
"""
