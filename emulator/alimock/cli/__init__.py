"""The sub-commands of `alimock`, one module each, with a `run` that takes the arguments and gives the exit status.

Each is imported only when it is asked for, since a health check must not load the server.
"""
