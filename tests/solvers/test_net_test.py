from types import SimpleNamespace

import numpy as np
import pytest

from cafpy.backend import Backend
from cafpy.blob import Blob
from cafpy.errors import SolverError
from cafpy.proto import cafpy_pb2 as pb
from cafpy.solvers.net_test import run_test
from cafpy.solvers.net_test_passes import SomeBatches


class Growing:
    """A test net whose output has one row more in every pass."""

    name = "grows"
    backend = Backend()
    dtype = np.dtype(np.float32)
    nodes = ()
    outputs = ("rows",)

    def __init__(self):
        self.blobs = {"rows": Blob(self.backend, (1, 2))}

    def forward(self):
        self.blobs["rows"].reshape((self.blobs["rows"].shape[0] + 1, 2))


def test_an_output_that_changes_its_shape_has_no_mean():
    solver = SimpleNamespace(
        test_runs=[SomeBatches(Growing(), 3)],
        param=pb.SolverParameter(test_iter=[3]),
        iteration=0,
        answer_requests=lambda: False,
    )
    with pytest.raises(SolverError) as error:
        run_test(solver, 0)
    assert str(error.value) == (
        "the output 'rows' of test net 'grows' changes its shape from 2×2 to 3×2 between two passes, "
        "so it has no mean; end the net with a layer of fixed shape"
    )
