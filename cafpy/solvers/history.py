"""Whether the history in a solver state can be this solver's: of the same net, and of a rule that keeps the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cafpy.errors import WeightsError
from cafpy.layer import shape_text
from cafpy.snapshot.solver_state import SolverState
from cafpy.solvers.update_rule import SQUARED, rule_class, solver_types

if TYPE_CHECKING:
    from cafpy.net import Net
    from cafpy.parameters import Parameter


def check_history(state: SolverState, path: str | Path, net: Net, solver_type: str) -> list[str]:
    """What to tell the user of a state that a solver of another type wrote, if its history is of use all the same.

    Raises WeightsError when it is not: when it is of another net, has another number of arrays, or would be taken for
    squares, which have no sign, where it has one. Caffe's states do not say what wrote them.
    """
    what = f"the solver state '{path}'"
    anew = f"start anew from its weights, --weights {state.learned_net}"
    if not state.solver_type:
        _check_unknown(what, state, len(net.learnable), solver_type, anew)
    wanted = rule_class(solver_type).keeps
    kept = _kept_by(state.solver_type or solver_type)
    if len(kept) != len(wanted) or _signs_for_squares(kept, wanted):
        theirs = f", which keeps {_listed(kept)} of each parameter" if kept else ""
        raise WeightsError(
            f'{what} is of a solver of type "{state.solver_type}"{theirs}, but type "{solver_type}" keeps '
            f'{_listed(wanted)}; go on with type: "{state.solver_type}", or {anew}'
        )
    _check_net(what, state, net.learnable, len(wanted))
    if state.solver_type in ("", solver_type):
        return []
    note = f'{what} is of a solver of type "{state.solver_type}", and this one is "{solver_type}"'
    if kept == wanted:
        return [f"{note}; both keep {_listed(kept)}, which goes on"]
    return [
        f"{note}: {_listed(kept)} is taken for {_listed(wanted)}, so the first steps are of a wrong size; to {anew}"
    ]


def _signs_for_squares(kept: Sequence[str], wanted: Sequence[str]) -> bool:
    return any(new in SQUARED and old not in SQUARED for old, new in zip(kept, wanted, strict=True))


def _kept_by(solver_type: str) -> tuple[str, ...]:
    return rule_class(solver_type).keeps if solver_type in solver_types() else ()


def _check_unknown(what: str, state: SolverState, parameters: int, solver_type: str, anew: str) -> None:
    """A state that does not say what wrote it may say so by its number of arrays, or by their signs."""
    keeps = _kept_by(solver_type)
    if len(state.history) != len(keeps) * parameters:
        types = [name for name in solver_types() if len(_kept_by(name)) * parameters == len(state.history)]
        kinds = f"it was written by a solver of type {' or '.join(types)}: go on with that, or {anew}"
        raise WeightsError(
            f'{what} holds {len(state.history)} history arrays, but type "{solver_type}" keeps {len(keeps)} for each '
            f"of the net's {parameters} parameters, {len(keeps) * parameters} in all; "
            f"{kinds if types else 'it belongs to another net'}"
        )
    for i, array in enumerate(state.history):
        kept = keeps[i // parameters]
        if kept in SQUARED and array.size and array.min() < 0:
            raise WeightsError(
                f'{what} holds negative numbers where type "{solver_type}" keeps the {kept}; it was written by a '
                f"solver of another type: go on with that, or {anew}"
            )


def _check_net(what: str, state: SolverState, parameters: Sequence[Parameter], keeps: int) -> None:
    sizes = [parameter.blob.count for parameter in parameters]
    if state.average and [array.size for array in state.average] != sizes:
        raise WeightsError(f"{what} holds the average of other parameters; it belongs to another net")
    if len(state.history) != keeps * len(parameters):
        raise WeightsError(
            f"{what} holds {len(state.history)} history arrays, but the net's {len(parameters)} parameters have "
            f"{keeps * len(parameters)}; it belongs to another net"
        )
    for i, array in enumerate(state.history):
        parameter = parameters[i % len(parameters)]
        if array.size != parameter.blob.count:
            raise WeightsError(
                f"{what} holds history of shape {shape_text(array.shape)} for the parameter {parameter}, which has "
                f"shape {shape_text(parameter.blob.shape)}; it belongs to another net"
            )


def _listed(kept: Sequence[str]) -> str:
    return " and ".join(f"the {what}" for what in kept) or "nothing"
