"""LRN over neighbouring channels, on the CPU, in float32.

A thread takes a stretch of positions and goes through its channels; a window's channels stay in the L1 cache.
``numbers``: images, channels, height, width, channels to either side in a window, whether beta is 3/4 and s takes
roots; ``options``: alpha, beta, k.
"""

from __future__ import annotations

import numpy as np

from cafpy.ops.kernel.chunks import clear, kernel
from cafpy.ops.kernel.lanes import LANES, all_lanes, load, load_first, store, store_first
from cafpy.ops.kernel.lanes_math import fetch, inverse_fourth_root
from cafpy.ops.kernel.threaded import threaded
from cafpy.ops.kernel.vector_math import exp, log

TILE = 512  # positions


@kernel
def powers(s, start, count, beta, roots, out):
    """out[start + i] = s[start + i]^-beta for i < count, a multiple of LANES."""
    if roots:
        for i in range(start, start + count, LANES):
            root = inverse_fourth_root(load(s, i))
            store(root * root * root, out, i)
    else:
        for i in range(np.uint64(start), np.uint64(start + count)):
            out[i] = exp(-beta * log(s[i]))


@kernel
def _sums(x, image, c, channels, pixels, half, p0, count, alpha, k, s):
    """s[i] = k + alpha · the sum of x² over the channels around c, for ``count`` positions and to a multiple of
    LANES."""
    first, last = max(0, c - half), min(channels, c + half + 1)
    a, zero = all_lanes(alpha), all_lanes(k)
    for i in range(0, count, LANES):
        at, left = (image + first) * pixels + p0 + i, count - i
        fetch(x, at + (last - first) * pixels)
        total = zero - zero
        if left >= LANES:
            for _ in range(first, last):
                value = load(x, at)
                total = total + value * value
                at += pixels
        else:
            for _ in range(first, last):
                value = load_first(x, at, left)
                total = total + value * value
                at += pixels
        store(zero + a * total, s, i)


@threaded
def across_forward(thread, threads, numbers, indices, x, y, options, unused, unused_too):
    n, channels, pixels, half, roots = numbers[0], numbers[1], numbers[2] * numbers[3], numbers[4], numbers[5]
    alpha, beta, k = options[0], options[1], options[2]
    tiles = (pixels + TILE - 1) // TILE
    s, power = np.empty(TILE, x.dtype), np.empty(TILE, x.dtype)
    for job in range(thread * n * tiles // threads, (thread + 1) * n * tiles // threads):
        p0 = job % tiles * TILE
        count = min(TILE, pixels - p0)
        image = job // tiles * channels
        for c in range(channels):
            _sums(x, image, c, channels, pixels, half, p0, count, alpha, k, s)
            powers(s, 0, -(-count // LANES) * LANES, beta, roots, power)
            at = (image + c) * pixels + p0
            for i in range(0, count, LANES):
                fetch(y, at + pixels + i)
                if count - i >= LANES:
                    store(load(x, at + i) * load(power, i), y, at + i)
                else:
                    store_first(load_first(x, at + i, count - i) * load(power, i), y, at + i, count - i)


@threaded
def across_backward(thread, threads, numbers, indices, dy, x, dx, options, unused):
    n, channels, pixels, half, roots = numbers[0], numbers[1], numbers[2] * numbers[3], numbers[4], numbers[5]
    alpha, beta, k = options[0], options[1], options[2]
    tiles, size = (pixels + TILE - 1) // TILE, 2 * half + 1
    s = np.empty(TILE, x.dtype)
    # of the channels of a window: s^-beta, and dy x s^(-beta - 1)
    power, terms = np.empty(size * TILE, x.dtype), np.empty(size * TILE, x.dtype)
    factor = all_lanes(2 * alpha * beta)
    for job in range(thread * n * tiles // threads, (thread + 1) * n * tiles // threads):
        p0 = job % tiles * TILE
        count = min(TILE, pixels - p0)
        image = job // tiles * channels
        clear(terms, 0, size * TILE)
        for c in range(channels + half):
            own = c % size * TILE
            if c < channels:
                _sums(x, image, c, channels, pixels, half, p0, count, alpha, k, s)
                powers(s, 0, -(-count // LANES) * LANES, beta, roots, power[own:])
                at = (image + c) * pixels + p0
                for i in range(0, count, LANES):
                    fetch(dy, at + pixels + i)
                    if count - i >= LANES:
                        product = load(dy, at + i) * load(x, at + i)
                    else:
                        product = load_first(dy, at + i, count - i) * load_first(x, at + i, count - i)
                    store(product * load(power, own + i) / load(s, i), terms, own + i)
            else:
                clear(terms, own, TILE)
            if c >= half:
                at, own = (image + c - half) * pixels + p0, (c - half) % size * TILE
                for i in range(0, count, LANES):
                    total = load(terms, i)
                    for j in range(1, size):
                        total = total + load(terms, j * TILE + i)
                    fetch(dx, at + pixels + i)
                    if count - i >= LANES:
                        own_part = load(dy, at + i) * load(power, own + i)
                        store(own_part - factor * load(x, at + i) * total, dx, at + i)
                    else:
                        own_part = load_first(dy, at + i, count - i) * load(power, own + i)
                        value = own_part - factor * load_first(x, at + i, count - i) * total
                        store_first(value, dx, at + i, count - i)
