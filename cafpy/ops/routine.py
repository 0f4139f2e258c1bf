"""One routine, several bodies: a plain one that defines it, faster ones beside it.

    @routine
    def softmax(xp, x, out): ...            # plain: any array module, the definition, what the tests compare with

    @softmax.body("numba")
    def _(x, out): ...                      # fast on the CPU; same arguments without xp

    softmax(backend, x, out)                # runs the best body for the backend

The backend says which bodies may run on it; the routine knows which it has. Layers do neither.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from cafpy.backend import Backend


class Routine:
    """A callable ``(backend, *args)`` that runs the fastest body it has for that backend."""

    def __init__(self, plain: Callable[..., Any]):
        self.plain = plain
        self.bodies: dict[str, Callable[..., Any]] = {}
        update_wrapper(self, plain)

    def body(self, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorator: the function is this routine's body ``name`` ("numba" or "cuda")."""

        def add(function: Callable[..., Any]) -> Callable[..., Any]:
            self.bodies[name] = function
            return function

        return add

    def fast_on(self, backend: Backend) -> bool:
        """Whether it has a body for this backend, besides the plain one."""
        return any(name in self.bodies for name in backend.bodies)

    def __call__(self, backend: Backend, *args: Any) -> Any:
        for name in backend.bodies:
            body = self.bodies.get(name)
            if body is not None:
                return body(*args)
        return self.plain(backend.xp, *args)


def routine(plain: Callable[..., Any]) -> Routine:
    """Make the function, a plain body ``(xp, *args)``, a :class:`Routine`."""
    return Routine(plain)
