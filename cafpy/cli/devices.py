"""The options that choose a device, the same for every command, and the backend they mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

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


def choose_backend(cpu: bool, gpu: str | None, threads: int | None, device_id: int | None = None) -> Backend:
    """The backend for these options; ``device_id`` is the GPU that a solver file asks for, None when it says CPU.

    Never falls back: a GPU that is asked for and is not there is an error that says what is missing.
    """
    from cafpy.backend import CpuBackend, GpuBackend

    if cpu and gpu is not None:
        raise BackendError("--cpu and --gpu contradict each other; give one of them")
    if gpu is not None:
        if not gpu.isdecimal():
            raise BackendError(f"--gpu {gpu}: give the number of one GPU, for example --gpu 0")
        return GpuBackend(int(gpu))
    if not cpu and device_id is not None:
        try:
            return GpuBackend(device_id)
        except BackendError as error:
            raise BackendError(
                f"the solver file asks for GPU {device_id} (solver_mode: GPU is Caffe's default): {error}"
            ) from error
    return CpuBackend(threads)
