"""Philox4x32-10: the published known answers, and the same bits in every body."""

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.ops.random import CHUNK, draw, random_words, uniform
from cafpy.testing.fake_device import FakeBackend

# of Random123, the authors' own library: block counter (four words), key (two), the four words that come out
KNOWN = [
    ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


def long(low, high):
    return low | high << 32


@pytest.mark.parametrize(("block", "key", "expected"), KNOWN)
def test_known_answers(block, key, expected):
    index, counter, seed = long(*block[:2]), long(*block[2:]), long(*key)
    words = np.zeros(CHUNK, np.uint32)
    draw(np.uint64(seed), np.uint64(counter), np.uint64(index // (CHUNK // 4)), words)
    at = 4 * (index % (CHUNK // 4))
    assert words[at : at + 4].tolist() == expected


@pytest.mark.parametrize("seed", [0, 5, 2**64 - 3])
@pytest.mark.parametrize("counter", [0, 2**33 + 7])
@pytest.mark.parametrize("shape", [(1,), (3, 5), (CHUNK,), (5, 1000)])
def test_same_bits_in_every_body(seed, counter, shape):
    plain, fast = np.zeros(shape, np.uint32), np.zeros(shape, np.uint32)
    random_words(Backend(), seed, counter, plain)
    random_words(CpuBackend(), seed, counter, fast)
    np.testing.assert_array_equal(plain, fast)
    device = FakeBackend()
    on_device = device.zeros(shape, np.uint32)
    random_words(device, seed, counter, on_device)
    np.testing.assert_array_equal(device.to_host(on_device), plain)
    for dtype in (np.float32, np.float64):
        plain, fast = np.zeros(shape, dtype), np.zeros(shape, dtype)
        uniform(Backend(), seed, counter, plain)
        uniform(CpuBackend(), seed, counter, fast)
        np.testing.assert_array_equal(plain, fast)


def test_uniform_is_uniform():
    x = np.zeros(1_000_000)
    uniform(CpuBackend(), 1, 2, x)
    assert x.min() >= 0 and x.max() < 1
    counts = np.histogram(x, 100, (0, 1))[0]
    # chi-square with 99 degrees of freedom: mean 99, deviation 14
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 99 + 6 * 14
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 5e-3


def test_counters_and_seeds_give_other_numbers():
    streams = np.zeros((4, 1000))
    for row, (seed, counter) in zip(streams, [(1, 1), (1, 2), (2, 1), (1, 2**32 + 1)], strict=True):
        uniform(CpuBackend(), seed, counter, row)
    assert np.abs(np.corrcoef(streams) - np.eye(4)).max() < 0.15
