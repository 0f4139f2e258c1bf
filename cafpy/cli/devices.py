"""The options that choose a device, the same for every command, and the backend they mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from cafpy.cli.compile_notice import announce_compiling
from cafpy.errors import BackendError

if TYPE_CHECKING:
    from cafpy.backend import Backend


def device_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --cpu, --gpu and --threads to a click command."""
    options = [
        click.option("--cpu", is_flag=True, help="Use the processor, also where the solver file says GPU."),
        click.option("--gpu", metavar="N", help="Use GPU number N."),
        click.option("--threads", type=click.IntRange(1), help="Threads on the CPU.  [default: all processors]"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def wanted_device(solver: Any) -> str:
    """What a SolverParameter asks for: "cpu", "gpu 0", or "any" where it says nothing (Caffe's default is GPU)."""
    if not solver.HasField("solver_mode"):
        return "any"
    return f"gpu {solver.device_id}" if solver.solver_mode == solver.GPU else "cpu"


def choose_backend(cpu: bool, gpu: str | None, threads: int | None, wanted: str = "cpu") -> Backend:
    """The backend for these options; ``wanted`` is what the solver file asks for, see :func:`wanted_device`.

    A GPU that is asked for and is not there is an error that says what is missing: there is no silent fall-back.
    """
    from cafpy.backend import CpuBackend, GpuBackend

    if cpu and gpu is not None:
        raise BackendError("--cpu and --gpu contradict each other; give one of them")
    if gpu is not None:
        if not gpu.isdecimal():
            raise BackendError(f"--gpu {gpu}: give the number of one GPU, for example --gpu 0")
        return GpuBackend(int(gpu))
    if not cpu and wanted.startswith("gpu"):
        try:
            return GpuBackend(int(wanted.removeprefix("gpu")))
        except BackendError as error:
            raise BackendError(f"the solver file says solver_mode: GPU, and {error}") from error
    if not cpu and wanted == "any":
        try:
            return GpuBackend(0)
        except BackendError:
            pass
    backend = CpuBackend(threads)
    announce_compiling()
    return backend
