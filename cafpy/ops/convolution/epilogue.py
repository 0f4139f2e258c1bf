"""What is done to a convolution's outputs while they are in the cache: a factor and a shift for each map, and a ReLU.

    plan.forward(x, weight, bias, y, epilogue)      # y = act((conv(x, weight) + bias) · factor + shift)

with act(v) = v where v > 0, else slope · v. A plan with ``finishes = True`` does so itself, block by block; for others
:func:`cafpy.ops.convolution.plans.forward_finished` runs :func:`finish` over the outputs afterwards. To teach a plan:

1. Its ``forward`` takes ``epilogue: Epilogue | None = None``, and its kernel gets :func:`with_bias` in place of the
   bias: an array of the biases alone or empty (no epilogue), or a table of 3 · outputs + 1 numbers.
2. Where the kernel has finished a piece of map ``k`` of the outputs (bias included, which is ``table[k]`` as before
   wherever the array is not empty), and the piece is still in the cache, it calls
   ``finish_piece(table, outputs, k, array, start, count)``, which does nothing without an epilogue.
3. It sets ``finishes = True``. tests/ops/convolution/test_epilogue.py then tries it on the geometries that it takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cafpy.backend import Array
from cafpy.ops.channels import numbers, threads_for
from cafpy.ops.kernel.chunks import kernel
from cafpy.ops.kernel.lanes import LANES, leaky, load, load_first, store
from cafpy.ops.kernel.threaded import NO_INDICES, threaded
from cafpy.ops.routine import routine


@dataclass(frozen=True)
class Epilogue:
    """Attributes:
    factor, shift: (outputs,) each, or None for all 1 or all 0.
    slope: of negative values in a ReLU; 1 where there is none.
    """

    factor: Array | None = None
    shift: Array | None = None
    slope: float = 1.0


@routine
def finish(xp: Any, y: Array, epilogue: Epilogue) -> None:
    """y, a × outputs × b, becomes act(y · factor + shift)."""
    if epilogue.factor is not None:
        y *= epilogue.factor[:, None]
    if epilogue.shift is not None:
        y += epilogue.shift[:, None]
    if epilogue.slope != 1:
        y[...] = xp.where(y > 0, y, y * y.dtype.type(epilogue.slope))


@finish.body("numba")
def _finish(y: Array, epilogue: Epilogue) -> None:
    table = with_bias(None, epilogue, y.shape[1], y.dtype)
    _finish_maps(threads_for(y), numbers(y.shape, True), NO_INDICES, y, table)


def with_bias(bias: Array | None, epilogue: Epilogue | None, outputs: int, dtype: np.dtype) -> Array:
    """The bias and the epilogue as one flat array for kernels: bias, factor, shift, each of ``outputs`` numbers, and
    the slope; without an epilogue the bias alone, or nothing."""
    if epilogue is None:
        return np.empty(0, dtype) if bias is None else bias
    table = np.empty(3 * outputs + 1, dtype)
    table[:outputs] = 0 if bias is None else bias
    table[outputs : 2 * outputs] = 1 if epilogue.factor is None else epilogue.factor
    table[2 * outputs : -1] = 0 if epilogue.shift is None else epilogue.shift
    table[-1] = epilogue.slope
    return table


@kernel
def finish_piece(table, outputs, k, y, start, count):
    """Finish ``count`` values of map ``k`` from y[start] on; ``table`` as :func:`with_bias` gives it."""
    if table.size <= outputs:
        return
    factor, shift, slope = table[outputs + k], table[2 * outputs + k], table[3 * outputs]
    for j in range(np.uint64(start), np.uint64(start + count)):
        value = y[j] * factor + shift
        y[j] = value if value > 0 else slope * value


@kernel
def finish_lanes(table, outputs, k, count, pixels, start, stop):
    """Bias and epilogue of ``count`` maps from the kth on, at most sixteen, which lie beside each other in
    pixels[start : stop] (`cafpy.ops.kernel.lanes`)."""
    if table.size > outputs:
        bias, factor = load_first(table, k, count), load_first(table, outputs + k, count)
        shift, slope = load_first(table, 2 * outputs + k, count), table[3 * outputs]
        for p in range(start, stop, LANES):
            store(leaky((load(pixels, p) + bias) * factor + shift, slope), pixels, p)
    elif table.size:
        bias = load_first(table, k, count)
        for p in range(start, stop, LANES):
            store(load(pixels, p) + bias, pixels, p)


@threaded
def _finish_maps(thread, threads, numbers, indices, y, table, c, d, e):
    """This thread's share of maps of images."""
    items, outputs, positions = numbers[0], numbers[1], numbers[2]
    for m in range(thread * items * outputs // threads, (thread + 1) * items * outputs // threads):
        finish_piece(table, outputs, m % outputs, y, m * positions, positions)
