"""What goes wrong in a way that a user can mend.

Every error that cafpy raises on purpose is a :class:`CafpyError` (and so a ``ValueError``). Its text says where,
what came, what was wanted and what to do; the command line prints that text and exits with 1, without a traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class CafpyError(ValueError):
    """Base of all errors whose text is meant for the person at the keyboard."""


class PrototxtError(CafpyError):
    """A net or solver file that cannot be read; the text lists every problem with file:line:column."""


class NetError(CafpyError):
    """A net that cannot be built: a blob without a source, an unknown layer type, shared weights that do not fit."""


class LayerError(NetError):
    """A layer whose options or bottoms do not fit; the text begins with the layer's name, type and line."""


class DataError(CafpyError):
    """A database, list, image or record that cannot be used; the text names it."""


class WeightsError(CafpyError):
    """A weight file or solver state that is missing, broken or does not fit the net."""


class SolverError(CafpyError):
    """A solver whose fields contradict each other or miss something.

    ``fields`` are those that its text is about, one for each line of it; none where it is about no field.
    """

    def __init__(self, text: str, *fields: str):
        super().__init__(text)
        self.fields = fields


class BackendError(CafpyError):
    """A device that was asked for and is not there; the text names what is missing and how to get it."""


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """ " (did you mean 'xavier'?)" for the choice nearest to ``word``, or "" when none is near.

    Letter case is ignored, so that "convolution" finds "Convolution".
    """
    near = nearest(word, choices)
    return f" (did you mean '{near}'?)" if near else ""


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice nearest to ``word``, whatever the case of its letters; None when none is near."""
    by_lower = {choice.lower(): choice for choice in choices}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[near[0]] if near else None
