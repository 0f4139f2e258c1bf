"""Fillers: the first values of parameters, declared as `weight_filler { type: "xavier" }`.

Values are drawn on the host whatever the backend, so that one seed gives one net on the CPU and on the GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cafpy.errors import NetError, did_you_mean
from cafpy.proto import cafpy_pb2 as pb

Shape = tuple[int, ...]


def fill(options: Any, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """An array of ``shape`` with the values that a FillerParameter asks for; random ones drawn from ``rng``.

    Raises NetError for an unknown type or options that do not fit the shape.
    """
    try:
        filler = FILLERS[options.type]
    except KeyError:
        raise NetError(
            f"unknown filler type '{options.type}'{did_you_mean(options.type, FILLERS)}; "
            f"there are {', '.join(sorted(FILLERS))}"
        ) from None
    return filler(options, shape, rng)


def _constant(options: Any, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    return np.full(shape, options.value, np.float32)


def _uniform(options: Any, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    if options.min > options.max:
        raise NetError(f"filler 'uniform' has min {options.min:g} above max {options.max:g}")
    return rng.uniform(options.min, options.max, shape)


def _gaussian(options: Any, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    values = rng.normal(options.mean, _not_negative("std", options.std), shape)
    if options.sparse >= 0:
        # on average each input keeps its weights to `sparse` outputs
        keep = options.sparse / shape[0] if shape else 1.0
        if keep > 1:
            raise NetError(
                f"filler 'gaussian' has sparse {options.sparse}, more than the {shape[0]} outputs of the blob"
            )
        values *= rng.random(shape) < keep
    return values


def _positive_unitball(options: Any, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Uniform, then each output's inputs are scaled so that they sum to 1."""
    values = rng.random(shape).reshape(shape[0] if shape else 1, -1)
    return (values / values.sum(axis=1, keepdims=True)).reshape(shape)


def _xavier(options: Any, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Uniform in ±sqrt(3 / n): Glorot and Bengio, Understanding the difficulty of training deep nets, 2010."""
    limit = np.sqrt(3 / _fan(options, shape))
    return rng.uniform(-limit, limit, shape)


def _msra(options: Any, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Normal with deviation sqrt(2 / n): He et al., Delving deep into rectifiers, 2015."""
    return rng.normal(0, np.sqrt(2 / _fan(options, shape)), shape)


def _bilinear(options: Any, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Weights with which a Deconvolution of stride ceil(k / 2) interpolates bilinearly; the same for all channels."""
    if len(shape) != 4 or shape[2] != shape[3]:
        raise NetError(
            f"filler 'bilinear' needs a blob of 4 axes with a square kernel, not {'×'.join(map(str, shape))}"
        )
    size = shape[3]
    factor = (size + 1) // 2
    centre = (size - 1) / (2 * factor)
    line = 1 - np.abs(np.arange(size) / factor - centre)
    return np.broadcast_to(np.outer(line, line), shape).astype(np.float32)


def _fan(options: Any, shape: Shape) -> float:
    """Number of inputs, of outputs, or their average: what xavier and msra scale by."""
    count = int(np.prod(shape))
    fan_in = count / (shape[0] if shape else 1)
    fan_out = count / shape[1] if len(shape) > 1 else count
    if options.variance_norm == pb.FillerParameter.FAN_OUT:
        return fan_out
    if options.variance_norm == pb.FillerParameter.AVERAGE:
        return (fan_in + fan_out) / 2
    return fan_in


def _not_negative(name: str, value: float) -> float:
    if value < 0:
        raise NetError(f"filler 'gaussian' has {name} {value:g}; it must not be negative")
    return value


FILLERS: dict[str, Callable[[Any, Shape, np.random.Generator], np.ndarray]] = {
    "constant": _constant,
    "uniform": _uniform,
    "gaussian": _gaussian,
    "positive_unitball": _positive_unitball,
    "xavier": _xavier,
    "msra": _msra,
    "bilinear": _bilinear,
}
