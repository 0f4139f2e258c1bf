"""A solver's nets: the one that trains, and those that test with its parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cafpy.backend import Backend
from cafpy.errors import SolverError
from cafpy.missing_file import does_not_exist
from cafpy.net import Net
from cafpy.passes.net_state import state_in_solver
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.describe import place_of
from cafpy.proto.text import read_net


class NetFactory:
    """Builds the nets that a SolverParameter names, all on one backend with one seed.

    ``folder`` is where the solver file lies: a net's path is looked up from the working directory first, as Caffe
    does, and then from there. ``share_memory`` and ``fuse`` as :class:`Net` takes them.
    """

    def __init__(
        self,
        param: Any,
        folder: Path | None,
        backend: Backend,
        dtype: Any,
        seed: int,
        share_memory: bool = False,
        fuse: bool = True,
    ):
        self.param = param
        self.folder = folder
        self.backend = backend
        self.dtype = dtype
        self.seed = seed
        self.share_memory = share_memory
        self.fuse = fuse
        self._known: dict[Path, Any] = {}  # the train net's file is most often the test net's too

    def train_net(self) -> Net:
        """The net in phase TRAIN, under train_state."""
        param = self.param
        for name in ("net_param", "train_net_param"):
            if param.HasField(name):
                return self._build(getattr(param, name), pb.TRAIN, param.train_state)
        name = "net" if param.HasField("net") else "train_net"
        return self._build(self._read(name, getattr(param, name)), pb.TRAIN, param.train_state)

    def test_nets(self, train_net: Net) -> list[Net]:
        """The nets in phase TEST, one for each test_iter, with the train net's parameters.

        First those of test_net_param, then those of test_net; what test_iter is left is for `net` itself. Without any
        test_iter each of the former has one, or else `net` has.
        """
        param = self.param
        sources = list(param.test_net_param) + [
            self._read("test_net", path, i) for i, path in enumerate(param.test_net)
        ]
        left = len(param.test_iter) - len(sources)
        if not param.test_iter and param.test_interval:
            left = not sources
        if left > 0 and (param.HasField("net") or param.HasField("net_param")):
            generic = param.net_param if param.HasField("net_param") else self._read("net", param.net)
            sources += [generic] * left
        nets: list[Net] = []
        try:
            for i, source in enumerate(sources):
                nets.append(self._build(source, pb.TEST, param.test_state[i] if param.test_state else None))
                nets[-1].share_trained_layers_with(train_net)
        except BaseException:
            for net in nets:
                net.close()
            raise
        return nets

    def _build(self, source: Any, phase: int, state: Any) -> Net:
        settled = state_in_solver(source, phase, state)
        return Net(
            source,
            state=settled,
            backend=self.backend,
            dtype=self.dtype,
            seed=self.seed,
            share_memory=self.share_memory,
            fuse=self.fuse,
        )

    def find(self, name: str) -> Path:
        """Where the file ``name`` of the solver is, if it is anywhere."""
        path = Path(name)
        if self.folder is None or path.is_file() or not (self.folder / path).is_file():
            return path
        return self.folder / path

    def _read(self, field: str, name: str, index: int = 0) -> Any:
        path = self.find(name)
        if not path.is_file():
            raise SolverError(f"{self.where(field, index)}the net file '{name}' {self.does_not_exist(name)}")
        if path not in self._known:
            self._known[path] = read_net(path)
        return self._known[path]

    def where(self, field: str, index: int = 0) -> str:
        """ "solver.prototxt:1: net: ": where the solver gives the field (a repeated one for the ``index``-th time)."""
        return f"{place_of(self.param, field, index)}{field}: "

    def does_not_exist(self, name: str) -> str:
        """What to say of a file of the solver that is nowhere."""
        return does_not_exist(name, *([] if self.folder is None else [self.folder]))


def chosen_seed(param: Any) -> int:
    """The solver's random_seed, or a random one where that is below 0."""
    if param.random_seed >= 0:
        return param.random_seed
    return int(np.random.SeedSequence().generate_state(1, np.uint32)[0])
