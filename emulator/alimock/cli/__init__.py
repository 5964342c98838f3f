"""The subcommands of `alimock`: one module each, whose `run` takes the arguments and returns the exit status."""
