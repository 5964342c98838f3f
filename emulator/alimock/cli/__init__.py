"""The commands of `alimock`: functions that take the arguments and return the exit status."""
