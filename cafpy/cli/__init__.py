"""The command line: `cafpy COMMAND`, one file a command, found by its name: cmd_train.py is `cafpy train`."""

from cafpy.cli.commands import cafpy as main

__all__ = ["main"]
