"""What one test runs: test_iter batches, or every record of the test net's data exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.solvers.records import data_layers, records_and_batch


class TestPasses(Protocol):
    """The passes of a test: their results count by weight, and the weights add up to ``total``."""

    net: Net
    total: int

    def passes(self) -> Iterator[tuple[Net, int]]: ...

    def close(self) -> None: ...


def passes_of_tests(param: Any, nets: list[Net]) -> list[TestPasses]:
    """What each test net runs in a test. Raises SolverError."""
    if param.test_iter:
        return [SomeBatches(net, count) for net, count in zip(nets, param.test_iter, strict=True)]
    return [AllRecords(net) for net in nets]


class SomeBatches:
    """``count`` batches, on from where the last test ended, as Caffe tests."""

    def __init__(self, net: Net, count: int):
        self.net, self.total = net, count

    def passes(self) -> Iterator[tuple[Net, int]]:
        """The net, so many times, with weight 1."""
        for _ in range(self.total):
            yield self.net, 1

    def close(self) -> None:
        """Nothing is held."""


class AllRecords:
    """Every record once, always from the first; a batch counts by its records.

    Where batch_size does not divide the records, the last of them are the batch of a second net, the same but for its
    batch_size. So the mean over a test set is right for outputs that are means over their batch.

    Raises SolverError when the net does not know its records.
    """

    def __init__(self, net: Net):
        self.net = net
        self.total, self.batch = records_and_batch(
            net, "a test without test_iter", "give test_iter, the number of batches of a test"
        )
        self.start = [layer.state() for layer in data_layers(net)]
        rest = self.total % self.batch
        self.last = _with_batch_size(net, rest) if rest else None

    def passes(self) -> Iterator[tuple[Net, int]]:
        """The net for each whole batch, then the one for the rest."""
        layers = data_layers(self.net)
        for layer, state in zip(layers, self.start, strict=True):
            layer.load_state(state)
        for _ in range(self.total // self.batch):
            yield self.net, self.batch
        if self.last is not None:
            for layer, before in zip(data_layers(self.last), layers, strict=True):
                layer.seed = before.seed
                layer.load_state(before.state())
            yield self.last, self.total % self.batch

    def close(self) -> None:
        """Let go of the second net's files and threads."""
        if self.last is not None:
            self.last.close()


def _with_batch_size(net: Net, size: int) -> Net:
    """Another net as ``net``, with its parameters, that takes ``size`` records at once."""
    fields = {layer.param.name: layer.options_field for layer in data_layers(net)}
    param = pb.NetParameter()
    param.CopyFrom(net.param)
    for layer in param.layer:
        if layer.name in fields:
            getattr(layer, fields[layer.name]).batch_size = size
    other = Net(param, state=net.param.state, backend=net.backend, dtype=net.dtype, seed=net.seed, fuse=net.plan.fuse)
    other.share_trained_layers_with(net)
    return other
