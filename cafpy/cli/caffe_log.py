"""Log lines as Caffe's tools print them, for the many scripts that read them (parse_log.py, DIGITS, plotters).

    I1121 07:53:59.319588 29887 solver.py:1] Iteration 100, Testing net (#0)

The letter and date, the time, the process, a source and a number, then the message: a parser may rely on each.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime


def log(message: str, source: str = "cafpy") -> None:
    """Print ``message`` on standard error, each of its lines in Caffe's form."""
    stamp = datetime.now().strftime("I%m%d %H:%M:%S.%f")
    for line in message.split("\n"):
        print(f"{stamp} {os.getpid():5d} {source}.py:1] {line}", file=sys.stderr, flush=True)


def number(value: float) -> str:
    """A number as C++ streams print it by default: six significant digits."""
    return f"{value:.6g}"


def output_line(name: str, value: float, loss_weight: float) -> str:
    """ "loss = 0.25 (* 1 = 0.25 loss)": an output blob's value, with its part of the loss where it has one."""
    line = f"{name} = {number(value)}"
    if loss_weight:
        line += f" (* {number(loss_weight)} = {number(loss_weight * value)} loss)"
    return line
