"""The array of the fake device: a numpy array behind a door that only the fake device opens."""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import EllipsisType
from typing import Any, NoReturn

import numpy as np


def words(text: str) -> frozenset[str]:
    """A set of names, written as one text."""
    return frozenset(text.split())


_ATTRIBUTES = words("shape dtype ndim size strides nbytes itemsize flags")
_METHODS = words(
    "all any argmax argmin argsort astype clip conj copy cumprod cumsum diagonal dot fill flatten max "
    "mean min prod ravel repeat reshape round searchsorted sort squeeze std sum swapaxes take trace "
    "transpose var view"
)
_BINARY = words("add sub mul truediv floordiv mod pow matmul and or xor lshift rshift divmod")
_COMPARE = words("eq ne lt le gt ge")
_UNARY = words("neg pos abs invert")
_TO_HOST = {
    "float": "float(x)",
    "int": "int(x)",
    "index": "x as an index or a size",
    "bool": "a truth value of x (if, and, or, not)",
    "complex": "complex(x)",
    "iter": "a loop over x",
    "array": "numpy.asarray(x)",
    "contains": "`value in x`",
}
# of numpy 2.4's functions and methods, not of CuPy 14.0's; these two have them
_NO_ARGUMENTS = words("correction initial mean mode stable where")
_HAVE_THEM = words("xp.copyto xp.pad")


class FakeArray:
    """Behaves as a CuPy array does: views share memory, reductions and single elements stay arrays without axes, host
    arrays are refused in every operation, and nothing turns it into a host value without being told to."""

    __slots__ = ("_host",)
    __array_ufunc__ = None  # so that `host + fake` comes to our __radd__, which refuses it
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, host: np.ndarray):
        self._host = host

    def __getattr__(self, name: str) -> Any:
        if name in _ATTRIBUTES:
            return getattr(self._host, name)
        if name in _METHODS:
            return wrapped(getattr(self._host, name), f"x.{name}")
        if name in ("T", "real", "imag"):
            return FakeArray(getattr(self._host, name))
        if name in ("get", "set", "item", "tolist", "tobytes"):
            raise TypeError(f"x.{name} is a trip between device and host; a layer stays on its device")
        raise AttributeError(f"a device array has no attribute '{name}'")

    def __len__(self) -> int:
        return len(self._host)

    def __getitem__(self, key: Any) -> FakeArray:
        parts = _index(key)
        if any(isinstance(part, np.ndarray) and part.dtype == bool for part in parts):
            raise TypeError("x[mask] waits for the device to count the mask; use xp.where or multiply by the mask")
        return FakeArray(self._host[parts])

    def __setitem__(self, key: Any, value: Any) -> None:
        parts, value = _index(key), unwrap(value, "x[…] = value")
        masked = any(isinstance(part, np.ndarray) and part.dtype == bool for part in parts)
        if masked and np.size(value) != 1:
            raise TypeError("x[mask] = array waits for the device to count the mask; use xp.where or xp.copyto")
        self._host[parts] = value

    def __array_function__(self, function: Callable[..., Any], *_: Any) -> NoReturn:
        raise TypeError(f"numpy.{function.__name__} was given a device array; use the backend's xp")

    def __repr__(self) -> str:
        return f"FakeArray({self._host!r})"


def unwrap(value: Any, where: str) -> Any:
    """The host side of an argument; raises TypeError for a host array."""
    if isinstance(value, FakeArray):
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError(
            f"{where}: a host array of shape {value.shape} meets device arrays; make it with xp or backend.zeros, "
            "or copy it in reshape with backend.upload"
        )
    if isinstance(value, (tuple, list)):
        return type(value)(unwrap(part, where) for part in value)
    return value


def wrap(value: Any) -> Any:
    """A result for the device's side: arrays and numpy scalars become device arrays."""
    if isinstance(value, np.ndarray):
        return FakeArray(value)
    if isinstance(value, np.generic):
        return FakeArray(np.asarray(value))
    if isinstance(value, list):
        return [wrap(part) for part in value]
    if isinstance(value, tuple):
        return tuple(wrap(part) for part in value)
    return value


def wrapped(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """``function`` of numpy, for device arrays."""

    def call(*args: Any, **options: Any) -> Any:
        unknown = _NO_ARGUMENTS & options.keys()
        if (unknown and name not in _HAVE_THEM) or (name == "xp.einsum" and "out" in options):
            raise TypeError(f"{name}: CuPy's has no argument '{min(unknown or {'out'})}'")
        return wrap(
            function(
                *(unwrap(arg, name) for arg in args),
                **{key: unwrap(option, name) for key, option in options.items()},
            )
        )

    return call


def _index(key: Any) -> tuple[Any, ...]:
    """The key with an ellipsis, so that a single element is a view without axes, as on a device."""
    parts = key if isinstance(key, tuple) else (key,)
    if any(isinstance(part, list) for part in parts):
        raise TypeError("x[list] copies the list to the device in every call; make an index array in reshape")
    parts = tuple(unwrap(part, "x[index]") for part in parts)
    return parts if any(isinstance(part, EllipsisType) for part in parts) else (*parts, ...)


def _binary(name: str) -> None:
    plain = getattr(operator, f"{name}_" if name in ("and", "or") else name, divmod)
    in_place = getattr(operator, f"i{name}", None)

    def forward(self: FakeArray, other: Any) -> Any:
        return wrap(plain(self._host, unwrap(other, name)))

    def reflected(self: FakeArray, other: Any) -> Any:
        return wrap(plain(unwrap(other, name), self._host))

    def assign(self: FakeArray, other: Any) -> FakeArray:
        assert in_place is not None
        in_place(self._host, unwrap(other, name))
        return self

    setattr(FakeArray, f"__{name}__", forward)
    setattr(FakeArray, f"__r{name}__", reflected)
    if in_place is not None:
        setattr(FakeArray, f"__i{name}__", assign)


def _simple(name: str) -> None:
    function = getattr(operator, name)

    def method(self: FakeArray, *other: Any) -> Any:
        return wrap(function(self._host, *(unwrap(part, name) for part in other)))

    setattr(FakeArray, f"__{name}__", method)


def _refuse(name: str, what: str) -> None:
    def method(self: FakeArray, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(f"{what} waits for the device and copies to the host; a layer stays on its device")

    setattr(FakeArray, f"__{name}__", method)


for _name in _BINARY:
    _binary(_name)
for _name in _COMPARE | _UNARY:
    _simple(_name)
for _name, _what in _TO_HOST.items():
    _refuse(_name, _what)
