"""A competitor of a benchmark in a process of its own, and the orders that it takes.

Each has its own thread pools (OpenMP, OpenBLAS, Numba, Eigen) with the settings that it would have alone: cafpy asks
OpenMP for threads that sleep while they wait, which in one process would slow down PyTorch, and PyTorch's spinning
threads would take cores from cafpy. The parent hands out turns; nobody runs while another does.

This file is both sides: :class:`Competitor` in the parent, `python tools/competitor.py` in the child. An order is a
line of JSON on the child's standard input, its answer one on what was its standard output.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from net_steps import TORCH_MODES, Task, make_step

HERE = Path(__file__).resolve().parent


class Failed(Exception):
    """What the competitor said when it could not go on."""


class Competitor:
    """The parent's side: a child process that has one competitor."""

    def __init__(self, name: str, task: Task, quiet: bool = True):
        """``quiet``: warnings of its libraries are not shown; errors come as :class:`Failed` all the same."""
        self.name = name
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE), *_python_path()])}
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "competitor.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else None,
            env=environment,
            start_new_session=True,  # so that closing ends what it has started, too
        )
        self.task = {"name": name, "task": asdict(task)}
        self.waiting = selectors.DefaultSelector()
        self.waiting.register(self.process.stdout, selectors.EVENT_READ)

    def ask(self, order: str, limit: float = 600, **arguments: Any) -> Any:
        """The answer to an order. Raises Failed with the child's error, or when it takes longer than ``limit`` s."""
        line = json.dumps({"order": order, **arguments}) + "\n"
        try:
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed("the process has died") from None
        if not self.waiting.select(limit):
            raise Failed(f"not ready after {limit:.0f} s")
        answer = self.process.stdout.readline()
        if not answer:
            raise Failed(f"the process has died (exit code {self.process.wait()})")
        result = json.loads(answer)
        if "error" in result:
            raise Failed(result["error"])
        return result["result"]

    def build(self, limit: float) -> float:
        """Make it ready, with two steps to warm up (kernels are compiled); returns the seconds that took."""
        begin = time.perf_counter()
        self.ask("build", limit, **self.task)
        self.ask("warm_up", max(1.0, limit - (time.perf_counter() - begin)))
        return time.perf_counter() - begin

    def close(self) -> None:
        """End the child."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def _python_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


class Orders:
    """The child's side: one method for each order."""

    def build(self, name: str, task: dict[str, Any]) -> None:
        shape = task["shape"]
        task = Task(**{**task, "shape": None if shape is None else tuple(shape)})
        _load_libraries(name)
        self.base = _status("VmRSS")
        self.training = task.training
        self.step = make_step(name, task)

    def warm_up(self) -> None:
        self.step()
        self.step()

    def output(self) -> list[float]:
        """What the net gives, of its first 10,000 numbers."""
        return np.ravel(self.step.output())[:10000].astype(float).tolist()

    def turn(self, seconds: float) -> list[float]:
        """Milliseconds of each step, of as many as fit, at least one."""
        times = []
        end = time.perf_counter() + seconds
        while not times or time.perf_counter() < end:
            begin = time.perf_counter()
            self.step()
            times.append((time.perf_counter() - begin) * 1e3)
        return times

    def memory(self, steps: int) -> float:
        """MB at the peak of some steps, less what the process took before the net was built."""
        Path("/proc/self/clear_refs").write_text("5")  # the peak is from now on
        for _ in range(steps):
            self.step()
        return (_status("VmHWM") - self.base) / 1e6

    def layers(self) -> list[str]:
        """The table of cafpy's layers."""
        from layer_limits import layer_lines

        return layer_lines(self.step.net, self.training)

    def layer_times(self) -> list[tuple[str, float, float]]:
        """Names and seconds, forward and backward, of cafpy's layers."""
        from layer_limits import rows

        return [(row.time.name, row.time.forward, row.time.backward) for row in rows(self.step.net, self.training, 5.0)]

    def bounds(self) -> str:
        """What cafpy's time goes to."""
        from layer_limits import what_bounds

        return what_bounds(self.step.net, self.training)

    def torch_layers(self) -> dict[str, list[float]]:
        """Seconds of PyTorch's convolutions and products, forward and backward, by the layer's name."""
        return self.step.layer_times()


def _load_libraries(name: str) -> None:
    """Load the competitor's libraries and use them once, so that their own size is not counted as the net's."""
    import cafpy.net
    import cafpy.ops.update
    import cafpy.solvers.update_rule  # noqa: F401

    if name == "onnxruntime":
        import onnxruntime  # noqa: F401
    elif name in TORCH_MODES:
        import torch

        torch.nn.Conv2d(3, 4, 3)(torch.zeros(2, 3, 8, 8)).sum().backward()
        if name == "compile":
            import torch._inductor.compile_fx
    elif name.startswith("cafpy"):
        from cafpy.backend import CpuBackend
        from cafpy.ops.softmax import softmax

        x = np.zeros((2, 8, 1), np.float32)
        softmax(CpuBackend(), x, x)  # starts Numba


def _status(field: str) -> float:
    """Bytes of a line of /proc/self/status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return float(line.split()[1]) * 1024
    raise SystemExit(f"/proc/self/status has no {field}: memory can be measured on Linux only")


def serve() -> None:
    """Take orders until the input ends. What libraries print to standard output goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    orders = Orders()
    for line in sys.stdin:
        order = json.loads(line)
        try:
            result = {"result": getattr(orders, order.pop("order"))(**order)}
        except Exception as error:
            text = str(error).strip().splitlines() or [type(error).__name__]
            result = {"error": f"{type(error).__name__}: {text[0][:100]}"}
        print(json.dumps(result), file=answers, flush=True)


if __name__ == "__main__":
    serve()
