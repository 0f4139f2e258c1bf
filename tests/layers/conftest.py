"""Fixtures of the layers' own tests."""

from contextlib import closing

import pytest

from cafpy.errors import CafpyError
from cafpy.testing.case import Case, build


@pytest.fixture
def refusal():
    """``refusal(layer, bottoms, tops=1)``: what such a layer says when it is built and run, after its own name.

    ``layer`` and ``bottoms`` are those of a Case. The test fails when the layer has nothing to say.
    """

    def said(layer: str, bottoms: list, tops: int = 1, **options) -> str:
        case = Case("refused", layer, bottoms, tops, **options)
        with pytest.raises(CafpyError) as raised, case.folder(), closing(build(case)) as harness:
            harness.forward()
        where = f"layer 'refused' ({case.type}), refused:1: "
        assert str(raised.value).startswith(where)
        return str(raised.value).removeprefix(where)

    return said
