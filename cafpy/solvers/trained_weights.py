"""Fine-tuning: weights from files into a solver's nets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cafpy.errors import WeightsError
from cafpy.snapshot.load import load_weights
from cafpy.snapshot.load_report import LoadReport
from cafpy.snapshot.weights import read_weights
from cafpy.snapshot.zoo import PREFIX

if TYPE_CHECKING:
    from cafpy.solvers.nets import NetFactory
    from cafpy.solvers.solver import Solver


def load_listed_weights(solver: Solver, factory: NetFactory, strict: bool) -> None:
    """Load the files of the solver's field ``weights``, in their order. Raises WeightsError, which names its line."""
    for i, names in enumerate(solver.param.weights):
        for name in map(str.strip, names.split(",")):
            where, path = factory.where("weights", i), factory.find(name)
            if not path.is_file() and not name.startswith(PREFIX):
                raise WeightsError(f"{where}the weight file '{name}' {factory.does_not_exist(name)}")
            try:
                solver.load_weights(path, strict)
            except WeightsError as error:
                raise WeightsError(f"{where}{error}") from error


def load_trained_weights(solver: Solver, path: str | Path, strict: bool) -> LoadReport:
    """Copy weights from a file into the train net, and into layers that only test nets have."""
    weights = read_weights(path)
    elsewhere = {name for net in solver.test_nets for name in net.params}
    report = load_weights(solver.net, weights, fine_tune=True, strict=strict, name=str(path), elsewhere=elsewhere)
    for net in solver.test_nets:
        load_weights(net, weights, fine_tune=True, elsewhere=solver.net.params)
    return report
