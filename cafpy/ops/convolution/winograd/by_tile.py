"""Convolution of 3 x 3 or 5 x 5 windows, stride 1, in float32, by Winograd's F(4x4, 3x3) or F(2x2, 5x5): a plan as
others are.

A tile of 4 x 4 outputs costs 36 products of numbers for each pair of maps in place of 144 (2 x 2 outputs of 5 x 5
windows: 36 in place of 100), and moves to and from there. A result is off by 1e-6 to 2e-5 of the largest magnitude, ten
to forty times what other plans are, and an inf or NaN spoils the whole tile (its inputs or outputs) it meets.
"""

from __future__ import annotations

from cafpy.backend import Array
from cafpy.ops.convolution.winograd.blocks import Blocks
from cafpy.ops.convolution.winograd.plan import WinogradPlan
from cafpy.ops.convolution.winograd.tile_kernels import add_weight_gradient, convolve, sum_products, transform_weights
from cafpy.ops.kernel.threaded import NO_INDICES
from cafpy.ops.kernel.workspace import workspace

SUMS = 1 << 25  # elements that all arrays to sum weights' gradients in may have together, if there is more than one


class WinogradByTile(WinogradPlan):
    """A plan for one geometry to which Winograd applies (see `choice.py`): threads share tiles."""

    whole = False
    backward_kernels = (sum_products, add_weight_gradient)

    def backward_weight(self, x: Array, dy: Array, dweight: Array) -> None:
        """Add the gradient of the weights to ``dweight``."""
        blocks = self.forward_blocks
        filters = blocks.panels * blocks.filters
        slots = _slots(blocks, filters)
        numbers, room = blocks.with_room(blocks.planes + blocks.products, slots)
        work = workspace(slots * filters + room, self.dtype)
        sums, work = work[: slots * filters], work[slots * filters :]
        sum_products(blocks.threads, numbers, NO_INDICES, x, dy, sums, work)
        add_weight_gradient(blocks.threads, numbers, NO_INDICES, sums, dweight, work)

    def convolve(self, blocks: Blocks, x: Array, weight: Array, table: Array, y: Array) -> None:
        numbers, room = blocks.with_room(blocks.planes + blocks.products, 0)
        filters = blocks.panels * blocks.filters  # the transformed weights
        work = workspace(filters + room, self.dtype)
        u, work = work[:filters], work[filters:]
        transform_weights(blocks.threads, numbers, NO_INDICES, weight, u, work)
        convolve(blocks.threads, numbers, NO_INDICES, x, u, table, y, work)


def _slots(blocks: Blocks, filters: int) -> int:
    """Teams of threads that sum weights' gradients apart: as many as there is room and work for."""
    threads = blocks.threads
    return max(
        n
        for n in range(1, threads + 1)
        if threads % n == 0 and (n == 1 or (n * filters <= SUMS and n <= blocks.blocks))
    )
