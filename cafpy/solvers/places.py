"""Where the solver's file says what a message is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cafpy.errors import SolverError
from cafpy.proto.describe import place_of


@contextmanager
def told_with_places(param: Any) -> Iterator[None]:
    """Put before each line of a SolverError where its field stands; the file alone where the field is missing, and
    nothing where it came from elsewhere, as from the command line."""
    try:
        yield
    except SolverError as error:
        if not error.fields:
            raise
        lines = zip(error.fields, str(error).split("\n"), strict=True)
        raise SolverError("\n".join(f"{_place(param, field)}{line}" for field, line in lines)) from error


def _place(param: Any, field: str) -> str:
    if field in {given.name for given, _ in param.ListFields()}:
        return place_of(param, field)
    known = next(iter(param.defined_at.values()), "")
    return f"{known.rpartition(':')[0]}: " if known else ""
