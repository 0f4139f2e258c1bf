"""What a solver's fields must be, checked before anything is built; all problems are said at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cafpy.errors import SolverError

Problem = tuple[str, str]  # the field, and what is wrong with it
TRAIN_NETS = ("net", "net_param", "train_net", "train_net_param")


def check_fields(param: Any) -> None:
    """Raise SolverError, a line for each problem, unless the fields fit each other."""
    problems = [*_old_type(param), *_train_net(param), *_test_nets(param), *_numbers(param)]
    if problems:
        raise SolverError("\n".join(text for _, text in problems), *(field for field, _ in problems))


def _old_type(param: Any) -> Iterator[Problem]:
    if param.HasField("solver_type"):
        yield (
            "solver_type",
            "solver_type is the old form of type; `cafpy.passes.upgrade_solver` makes the one of the other",
        )


def _train_net(param: Any) -> Iterator[Problem]:
    given = [name for name in TRAIN_NETS if param.HasField(name)]
    if not given:
        yield "net", 'the solver names no net; write `net: "train_val.prototxt"`'
    elif len(given) > 1:
        yield given[-1], f"the solver gives its train net {len(given)} times, as {' and as '.join(given)}; keep one"


def _test_nets(param: Any) -> Iterator[Problem]:
    own = len(param.test_net) + len(param.test_net_param)
    count = len(param.test_iter)
    generic = param.HasField("net") or param.HasField("net_param")
    nets = f"{own} test net{'' if own == 1 else 's'}"
    whole = not count and param.test_interval > 0  # tests take all records
    if count < own and not whole:
        yield (
            "test_iter",
            f"the solver has {nets}, but test_iter is given {count} times; give each its number of test passes",
        )
    elif count > own and not generic:
        yield "test_iter", f"test_iter is given {count} times, but the solver has {nets}; give one test_iter for each"
    if count and param.test_interval <= 0:
        came = f"is {param.test_interval}" if param.HasField("test_interval") else "is missing"
        yield (
            "test_iter",
            f"test_iter is given, but test_interval {came}; write how many iterations lie between two tests",
        )
    if any(n <= 0 for n in param.test_iter):
        yield "test_iter", f"test_iter is {min(param.test_iter)}; it must be at least 1"
    if whole:
        count = own or int(generic)
    if param.test_state and len(param.test_state) != count:
        given = len(param.test_state)
        yield (
            "test_state",
            f"test_state is given {given} times for {count} test nets; give it once for each or not at all",
        )
    if param.HasField("max_epoch"):
        if param.HasField("max_iter"):
            yield "max_epoch", "the solver gives its length twice, as max_iter and as max_epoch; keep one"
        if param.max_epoch < 1:
            yield "max_epoch", f"max_epoch is {param.max_epoch}; it must be at least 1"


def _numbers(param: Any) -> Iterator[Problem]:
    if param.average_loss < 1:
        yield "average_loss", f"average_loss is {param.average_loss}; it must be at least 1"
    if param.base_lr < 0:
        yield "base_lr", f"base_lr is {param.base_lr:g}; it must not be negative, or every step would go uphill"
    for name in ("max_iter", "display", "snapshot", "test_interval", "early_stop_patience", "snapshot_keep"):
        if getattr(param, name) < 0:
            yield name, f"{name} is {getattr(param, name)}; it must not be negative"
