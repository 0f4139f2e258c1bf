"""A convolution's weights transposed once a call, where its gradient's product would read them in steps of whole KB:
such lines share so few places of a cache that none stays there until it is wanted again."""

from __future__ import annotations

import numpy as np

from cafpy.backend import Array
from cafpy.ops.convolution.geometry import Geometry
from cafpy.ops.kernel.lanes import LANES, transpose_in
from cafpy.ops.kernel.threaded import NO_INDICES, threaded

KILOBYTE = 256  # float32
FEW_WINDOWS = 64  # that would not use any weight more than twice


def crowded(g: Geometry) -> bool:
    """Whether the weights of an input are so far apart, blocks of 16 × 16 fit, and it is worth the while."""
    return (
        g.images * g.places > FEW_WINDOWS and g.weights_per_output % KILOBYTE == 0 and g.outputs_per_group % LANES == 0
    )


def transpose_weights(threads: int, groups: int, weight: Array, turned: Array) -> None:
    """``turned``, of the same size, becomes for each group the transpose of ``weight``, a row for each output; both
    sides of a group's matrix are multiples of 16."""
    rows = weight.shape[0] // groups
    _transpose(threads, np.array([groups, rows, weight.size // weight.shape[0]]), NO_INDICES, weight, turned)


@threaded
def _transpose(thread, threads, numbers, indices, weight, turned, c, d, e):
    """This thread's share of all groups' columns."""
    groups, rows, columns = numbers[0], numbers[1], numbers[2]
    strips = columns // LANES
    for strip in range(thread * groups * strips // threads, (thread + 1) * groups * strips // threads):
        at, j = strip // strips * rows * columns, strip % strips * LANES
        for i in range(0, rows, LANES):
            transpose_in(weight, at + i * columns + j, columns, LANES, LANES, turned, at + j * rows + i, rows)
