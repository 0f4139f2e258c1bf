"""docs/new-layer.md does what it says: its layers are plugged in from a file, as written, and keep the contract."""

import re
from pathlib import Path

import numpy as np
import pytest

from cafpy import registry
from cafpy.errors import LayerError
from cafpy.net import Net
from cafpy.ops.elementwise_cuda import cuda_source
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.testing.case import Case, build
from cafpy.testing.contract import check_layer

TEXT = (Path(__file__).parents[1] / "docs" / "new-layer.md").read_text("utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.S)
PROTOTXT = re.findall(r"```\n(layer .*?)```", TEXT, re.S)
CAP_HALF = 'type: "Cap" python_param { param_str: \'{"limit": 0.5}\' }'


@pytest.fixture(autouse=True)
def my_layers(tmp_path, monkeypatch):
    """The page's layers, plugged in from one file, and forgotten after the test."""
    monkeypatch.setattr(registry, "_plugged_in", {})
    monkeypatch.chdir(tmp_path)
    Path("my_layers.py").write_text("\n\n".join(block for block in PYTHON if "class " in block), "utf-8")
    registry.plug_in("my_layers.py")


@pytest.mark.parametrize(
    "case",
    [
        Case("mish", 'type: "Mish"', [(2, 3, 4)]),
        Case("cap", 'type: "Cap"', [(2, 3, 4)], kinks=[1]),
        Case("cap_in_place", CAP_HALF, [(2, 3)], in_place=True, kinks=[0.5]),
        Case("centre", 'type: "Centre"', [(4, 3, 2)]),
    ],
    ids=lambda case: case.name,
)
def test_layers_keep_the_contract(case):
    check_layer(case)


def test_the_test_on_the_page_passes():
    names: dict = {}
    exec(next(block for block in PYTHON if "check_layer" in block), names)
    names["test_mish"]()


def test_prototxt_on_the_page_builds():
    net = 'layer { name: "in" type: "Input" top: "%s" input_param { shape { dim: 2 dim: 3 } } }'
    for name, snippet in zip(("conv1", "ip1"), PROTOTXT, strict=True):
        built = Net(parse(net % name + snippet, pb.NetParameter(), "net.prototxt"))
        built.blobs[name].data[...] = 9
        built.forward()
        expected = 6 if name == "ip1" else 9 * np.tanh(np.log1p(np.exp(9)))
        np.testing.assert_allclose(built.blobs[built.outputs[0]].data, expected, rtol=1e-6)


def test_errors_name_the_layer():
    param = 'type: "Cap" python_param { param_str: \'{"limit": -2}\' }'
    with pytest.raises(LayerError) as raised:
        build(Case("bad", param, [(2, 3)]))
    assert str(raised.value) == "layer 'bad' (Cap), bad:1: limit: -2 must be greater than 0"


def test_scalar_functions_can_be_said_in_cuda():
    for name in ("Mish", "Cap"):
        cls = registry.layer_class(name)
        for scalar in (cls.forward_scalar, cls.backward_scalar):
            assert "cafpy_element" in cuda_source(scalar)
