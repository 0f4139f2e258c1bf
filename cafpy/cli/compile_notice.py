"""Tells the user that a first run compiles kernels, so that nobody thinks it hangs."""

from __future__ import annotations

import sys
from typing import Any

import click

from cafpy.cli.caffe_log import log

_NOTICE = "Compiling kernels for this machine, once: some seconds now, later runs load them from disk."

_waiting: list[Any] = []  # the notice that has not been given yet, if there is one


def announce_compiling() -> None:
    """Print a line when Numba next compiles something in this process; loading from its cache prints nothing.

    Calling it again before that changes nothing.
    """
    from numba.core import event

    if _waiting:
        return

    class Notice(event.Listener):
        """Speaks once, at the first compiler pass, and is gone."""

        def on_start(self, event_: Any) -> None:
            event.unregister("numba:run_pass", self)
            _waiting.remove(self)
            click.echo(_NOTICE, err=True) if sys.stderr.isatty() else log(_NOTICE)

        def on_end(self, event_: Any) -> None:
            pass

    _waiting.append(Notice())
    event.register("numba:run_pass", _waiting[0])
