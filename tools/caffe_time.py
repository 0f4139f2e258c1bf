"""Caffe itself, where it is installed: `caffe time` on PATH, or pycaffe."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.writer import to_text


def has_pycaffe() -> bool:
    """Whether this Python finds a `caffe`, with its compiled part."""
    found = importlib.util.find_spec("caffe")
    return found is not None and importlib.util.find_spec("caffe._caffe") is not None


def caffe_program() -> str | None:
    """The path of the `caffe` program."""
    return shutil.which("caffe")


@contextmanager
def caffe_prototxt(param: pb.NetParameter) -> Iterator[str]:
    """The name of a file with the net as Caffe reads it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "net.prototxt"
        file.write_text(to_text(param))
        yield str(file)


def run_caffe_time(program: str, param: pb.NetParameter, training: bool, iterations: int = 10) -> float:
    """Average milliseconds of a pass, forward and backward (forward alone where ``training`` is false).

    Raises ValueError with Caffe's last line when it fails.
    """
    with caffe_prototxt(param) as file:
        arguments = [program, "time", "-model", file, "-iterations", str(iterations)]
        arguments += ["-phase", "TRAIN" if training else "TEST"]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=600)
    try:
        return average(done.stderr, training)
    except ValueError:
        lines = done.stderr.strip().splitlines() or ["no output"]
        raise ValueError(f"caffe time: {lines[-1][:100]}") from None


def average(log: str, training: bool) -> float:
    """Milliseconds from the log's "Average Forward-Backward: 12.3 ms." or "Average Forward pass: …".

    Raises ValueError where it has no such line.
    """
    what = "Forward-Backward" if training else "Forward pass"
    found = re.search(rf"Average {what}: ([0-9.e+-]+) ms", log)
    if not found:
        raise ValueError(f"no line 'Average {what}' in the log of caffe time")
    return float(found[1])
