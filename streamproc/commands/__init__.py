"""One command of the command line per module, each exported as `command`."""
