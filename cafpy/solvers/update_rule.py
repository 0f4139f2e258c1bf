"""The contract of an update rule, and how it is found by the solver's `type`.

Adding a rule is adding a file here: `adam.py` holds the class Adam, which is `type: "Adam"`.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from cafpy.backend import Array, Backend
from cafpy.errors import SolverError, did_you_mean
from cafpy.ops.update import FlatParameters

VELOCITY = "velocity"  # steps, the learning rate inside
MEAN = "mean of gradients"
SUM_OF_SQUARES = "sum of squared gradients"
MEAN_OF_SQUARES = "mean of squared gradients"
STEPS_SQUARED = "mean of squared steps"
SQUARED = {SUM_OF_SQUARES, MEAN_OF_SQUARES, STEPS_SQUARED}  # never negative: roots are taken of them


class UpdateRule:
    """Base of all update rules; the class is named as the solver's `type`.

    Declared by subclasses:
        keeps: what its history is, a word for each array that it keeps of each parameter (`VELOCITY` and so on); they
            start at zero and are saved with the solver. Rules whose words are the same can go on from each other.

    ``__init__`` reads its fields of the SolverParameter and raises SolverError where they do not fit.
    """

    keeps: ClassVar[tuple[str, ...]] = ()

    def __init__(self, param: Any):
        self.param = param

    def update(self, backend: Backend, flat: FlatParameters, history: Sequence[Array], iteration: int) -> None:
        """Change ``flat.data`` and ``history`` by the gradients in ``flat.diff``; ``iteration`` counts from 0.

        ``history`` has an array for each of ``keeps``, laid out as ``flat.data``.
        """
        raise NotImplementedError

    def fraction(self, name: str, default: float | None = None) -> float:
        """The field ``name``, which must lie in [0, 1); where it is not given, ``default``. Raises SolverError."""
        if default is not None and not self.param.HasField(name):
            return default
        value = getattr(self.param, name)
        if not 0 <= value < 1:
            raise SolverError(
                f'{name} is {value:g}, but type "{type(self).__name__}" needs it to be at least 0 and below 1', name
            )
        return value

    def no_momentum(self) -> None:
        """Raise SolverError when the solver has a momentum, which this rule would ignore."""
        if self.param.momentum:
            raise SolverError(
                f'momentum is {self.param.momentum:g}, but type "{type(self).__name__}" has no momentum; '
                'remove the line, or use type "SGD", "Nesterov" or "Adam"',
                "momentum",
            )


def update_rule(param: Any) -> UpdateRule:
    """The rule that a SolverParameter asks for. Raises SolverError for an unknown type or fields that do not fit it."""
    return rule_class(param.type)(param)


def rule_class(type_name: str) -> type[UpdateRule]:
    """The class of the rule of this type. Raises SolverError, with the nearest name, when there is none."""
    found = _rules_in(type_name.lower()) if type_name.isidentifier() else {}
    if type_name not in found:
        known = solver_types()
        hint = did_you_mean(type_name, known)
        raise SolverError(f"unknown solver type '{type_name}'{hint}; there are {', '.join(known)}", "type")
    return found[type_name]


def solver_types() -> list[str]:
    """The types there are, in alphabetical order."""
    files = Path(__file__).parent.glob("[!_]*.py")
    return sorted(name for file in files for name in _rules_in(file.stem))


def _rules_in(file: str) -> dict[str, type[UpdateRule]]:
    if not Path(__file__).with_name(f"{file}.py").is_file():
        return {}
    module = importlib.import_module(f"{__package__}.{file}")
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, UpdateRule) and value.__module__ == module.__name__
        if name != "UpdateRule"
    }
