"""Random numbers by counter: Philox4x32-10, the same bits on every device and in every order.

A number depends on (seed, counter, index) alone: Salmon, Moraes, Dror and Shaw, Parallel Random Numbers: As Easy as
1, 2, 3, 2011. There is no state to carry along, so a layer that keeps ``counter`` (how many times it has drawn) can
draw the same numbers again, in backward or after a restart, instead of storing them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange

from cafpy.backend import Array
from cafpy.ops.routine import routine

ROUNDS = 10
MULTIPLIER_0, MULTIPLIER_2 = 0xD2511F53, 0xCD9E8D57
WEYL_0, WEYL_1 = 0x9E3779B9, 0xBB67AE85
CHUNK = 1024  # words that a thread draws at once, into a buffer that stays in its L1 cache

_u32, _u64 = np.uint32, np.uint64
inline = njit(forceinline=True)


@routine
def random_words(xp: Any, seed: int, counter: int, out: Array) -> None:
    """Fill ``out``, a C-ordered array of uint32, with random words.

    Words 4i to 4i+3 are Philox4x32-10 of the block counter (i, counter), each 64 bits, low half first, under the key
    ``seed`` of 64 bits.
    """
    blocks = -(-out.size // 4)
    index = xp.arange(blocks, dtype=xp.uint64)
    c0 = index & 0xFFFFFFFF
    c1 = index >> 32
    c2 = xp.full(blocks, counter & 0xFFFFFFFF, xp.uint64)
    c3 = xp.full(blocks, counter >> 32 & 0xFFFFFFFF, xp.uint64)
    key_0, key_1 = seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF
    for _ in range(ROUNDS):
        product_0, product_2 = c0 * MULTIPLIER_0, c2 * MULTIPLIER_2
        c0, c1 = (product_2 >> 32) ^ c1 ^ key_0, product_2 & 0xFFFFFFFF
        c2, c3 = (product_0 >> 32) ^ c3 ^ key_1, product_0 & 0xFFFFFFFF
        key_0, key_1 = (key_0 + WEYL_0) & 0xFFFFFFFF, (key_1 + WEYL_1) & 0xFFFFFFFF
    words = xp.stack([c0, c1, c2, c3], axis=1).reshape(-1)[: out.size]
    out[...] = words.astype(xp.uint32).reshape(out.shape)


@random_words.body("numba")
def _(seed: int, counter: int, out: Array) -> None:
    _words(_u64(seed), _u64(counter), out.reshape(-1))


@routine
def uniform(xp: Any, seed: int, counter: int, out: Array) -> None:
    """Fill ``out``, a C-ordered array of float32 or float64, with numbers uniform in [0, 1): the upper 24 bits of
    :func:`random_words`, divided by 2^24 (so both types hold the same numbers)."""
    words = xp.empty(out.shape, xp.uint32)
    random_words.plain(xp, seed, counter, words)
    out[...] = (words >> 8).astype(out.dtype) * 2.0**-24


@uniform.body("numba")
def _(seed: int, counter: int, out: Array) -> None:
    _uniform(_u64(seed), _u64(counter), out.reshape(-1))


@inline
def draw(seed, counter, chunk, words):
    """For Numba code: fill ``words``, uint32 of CHUNK, with words CHUNK * chunk and on of (seed, counter: uint64)."""
    first = _u64(chunk) * _u64(CHUNK // 4)  # a chunk's blocks share the upper half of their index
    block, c1, half = _u32(first), _u32(first >> _u64(32)), _u64(32)
    for i in range(np.uintp(CHUNK // 4)):
        key_0, key_1 = _u32(seed), _u32(seed >> half)
        w0, w1, w2, w3 = _u32(block + _u32(i)), c1, _u32(counter), _u32(counter >> half)
        for _ in range(ROUNDS):
            product_0, product_2 = _u64(w0) * _u64(MULTIPLIER_0), _u64(w2) * _u64(MULTIPLIER_2)
            w0, w1 = _u32(product_2 >> half) ^ w1 ^ key_0, _u32(product_2)
            w2, w3 = _u32(product_0 >> half) ^ w3 ^ key_1, _u32(product_0)
            key_0, key_1 = _u32(key_0 + _u32(WEYL_0)), _u32(key_1 + _u32(WEYL_1))
        at = np.uintp(4) * i
        words[at], words[at + np.uintp(1)] = w0, w1
        words[at + np.uintp(2)], words[at + np.uintp(3)] = w2, w3


@njit(parallel=True, cache=True)
def _words(seed, counter, out):
    for chunk in prange((out.size + CHUNK - 1) // CHUNK):
        words = np.empty(CHUNK, np.uint32)
        draw(seed, counter, chunk, words)
        part = out[chunk * CHUNK : (chunk + 1) * CHUNK]
        for i in range(part.size):
            part[i] = words[i]


@njit(parallel=True, cache=True)
def _uniform(seed, counter, out):
    for chunk in prange((out.size + CHUNK - 1) // CHUNK):
        words = np.empty(CHUNK, np.uint32)
        draw(seed, counter, chunk, words)
        part = out[chunk * CHUNK : (chunk + 1) * CHUNK]
        for i in range(part.size):
            part[i] = np.float32(words[i] >> _u32(8)) * np.float32(2.0**-24)
