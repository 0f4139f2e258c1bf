"""Python: classes written for pycaffe, their gradients, where they are looked for, and what errors in them say."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from cafpy.errors import CafpyError, LayerError
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse, read_net
from cafpy.testing.case import Case
from cafpy.testing.fake_device import FakeBackend

MODULE = Path(__file__).with_name("pyloss.py").read_text()


def line_of(text):
    """How errors write the line of pyloss.py that holds this text."""
    return f"(FOLDER/pyloss.py:{MODULE[: MODULE.index(text)].count(chr(10)) + 1})"


EXEC = line_of("exec(")


def write_files(folder):
    (folder / "pyloss.py").write_text(MODULE)


def python(layer, module="pyloss", more=""):
    return f'type: "Python" python_param {{ module: "{module}" layer: "{layer}" {more} }}'


AFFINE = python("Affine", more="""param_str: '{"start": 1.5}'""")
CASES = [
    Case("euclidean_loss", python("EuclideanLossLayer") + " loss_weight: 2", [(4, 3, 2), (4, 3, 2)], files=write_files),
    Case("affine", AFFINE, [(2, 3, 4, 5)], files=write_files),
]


@pytest.fixture(autouse=True)
def no_module_stays(tmp_path):
    yield
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    return tmp_path


def net_text(layer, bottoms=1, tops=1, more="", before=""):
    dims = "shape { dim: 2 dim: 3 dim: 4 dim: 5 } "
    names = [f'top: "x{i}" ' for i in range(bottoms)]
    inputs = f'layer {{ name: "in" type: "Input" {"".join(names)} input_param {{ {dims} }} }}\n' if bottoms else "\n"
    blobs = "".join(names).replace("top", "bottom") + " ".join(f'top: "y{i}"' for i in range(tops))
    return f'{before}{inputs}layer {{ name: "py" {blobs} {layer} {more} }}\n'


def make_net(layer, bottoms=1, phase=pb.TEST, backend=None, **options):
    text = net_text(layer, bottoms, **options)
    return Net(parse(text, pb.NetParameter(), "net.prototxt"), phase, backend=backend)


def test_a_loss_of_a_class_for_pycaffe_trains_with_the_net(folder):
    text = """layer { name: "d" type: "DummyData" top: "x" top: "y"
          dummy_data_param { shape { dim: 4 dim: 3 } data_filler { value: 1 } data_filler { value: 3 } } }
        layer { name: "s" type: "Scale" bottom: "x" top: "s" scale_param { filler { value: 2 } } }
        layer { name: "loss" type: "Python" bottom: "s" bottom: "y" top: "loss" loss_weight: 1
          python_param { module: "pyloss" layer: "EuclideanLossLayer" } }"""
    net = Net(parse(text, pb.NetParameter()), pb.TRAIN)
    net.forward()
    assert net.loss() == pytest.approx(3 * (2 - 3) ** 2 / 2)
    net.clear_param_diffs()
    net.backward()
    np.testing.assert_allclose(net.params["s"][0].diff, [-1, -1, -1])


@pytest.mark.parametrize("phase", [pb.TRAIN, pb.TEST])
def test_a_class_may_reshape_its_top_in_forward(folder, phase):
    net = make_net(python("Counter"), bottoms=0, phase=phase)
    for passes in (1, 2, 3):
        net.forward()
        np.testing.assert_array_equal(net.blobs["y0"].data, np.full((passes, 2), passes + 10 * phase))


def test_parameters_are_the_nets_and_may_be_fixed(folder):
    net = make_net(AFFINE, phase=pb.TRAIN, more="loss_weight: 1 param {} param { lr_mult: 0 }")
    assert [blob.shape for blob in net.params["py"]] == [(3,), (3,)]
    np.testing.assert_array_equal(net.params["py"][0].data, [1.5] * 3)
    assert net.layers[-1].object.name == "py"
    net.blobs["x0"].data[...] = 1
    net.forward()
    net.clear_param_diffs()
    net.backward()
    np.testing.assert_array_equal(net.params["py"][0].diff, [40] * 3)
    np.testing.assert_array_equal(net.params["py"][1].diff, [0] * 3)


def test_works_in_place(folder):
    net = make_net(python("Affine", more="""param_str: '{"start": 3}'""").replace("type", 'top: "x0" type'), tops=0)
    net.blobs["x0"].data[...] = 2
    net.forward()
    assert (net.blobs["x0"].data == 6).all()


@pytest.mark.parametrize("backend", [None, FakeBackend()])
def test_a_blob_looks_as_in_pycaffe(folder, backend):
    net = make_net(AFFINE, backend=backend)
    net.forward()
    (bottom,), (top,) = net.layers[-1]._blobs(net.nodes[-1].bottom_blobs, net.nodes[-1].top_blobs)
    assert (bottom.num, bottom.channels, bottom.height, bottom.width) == (2, 3, 4, 5) == bottom.shape
    assert bottom.count == 120 and isinstance(top.data, np.ndarray) and top.diff.shape == (2, 3, 4, 5)
    for shape, wanted in (((2, 3), (2, 3)), (([4, 5],), (4, 5)), ((), ()), ((np.int64(7),), (7,))):
        top.reshape(*shape)
        assert top.shape == wanted == net.blobs["y0"].shape and top.data.shape == wanted
    assert (top.num, top.channels) == (7, 1)
    top.reshape(1, 2, 3, 4, 5)
    with pytest.raises(ValueError, match=r"a blob of shape 1×2×3×4×5 has no num, .*; use shape\[2\]"):
        top.height  # noqa: B018
    with pytest.raises(ValueError, match="a shape has no negative numbers, but 2×-1 came"):
        top.reshape(2, -1)


# -- where modules are looked for --------------------------------------------------------------------------------


TELLS = "class L:\n    def setup(self, b, t): self.where = {!r}\n    def reshape(self, b, t): pass\n"


def told(net_file):
    net = Net(read_net(str(net_file)))
    return net.layers[-1].object.where


def write_net(folder, module):
    (folder / "net.prototxt").write_text(net_text(python("L", module)))
    return folder / "net.prototxt"


def test_beside_the_net_then_here_then_on_the_path(tmp_path, monkeypatch):
    places = [tmp_path / name for name in ("net", "here", "path")]
    for i, place in enumerate(places):
        (place / "package").mkdir(parents=True)
        for module in ("in_one", "in_two", "in_three")[i:]:
            (place / f"{module}_of_cafpy_tests.py").write_text(TELLS.format(place.name))
        (place / "package/__init__.py").touch()
        (place / "package/part.py").write_text(TELLS.format(f"{place.name}, in a package"))
    monkeypatch.chdir(places[1])
    monkeypatch.setattr(sys, "path", [*sys.path, str(places[2])])
    before = sys.path[:]
    assert told(write_net(places[0], "in_one_of_cafpy_tests")) == "net"
    assert told(write_net(places[0], "in_two_of_cafpy_tests")) == "net"
    (places[0] / "in_three_of_cafpy_tests.py").unlink()
    (places[1] / "in_three_of_cafpy_tests.py").unlink()
    assert told(write_net(places[0], "in_three_of_cafpy_tests")) == "path"
    (places[0] / "package/part.py").unlink()
    (places[0] / "package/__init__.py").unlink()
    (places[0] / "package").rmdir()
    assert told(write_net(places[0], "package.part")) == "here, in a package"
    assert sys.path == before


def test_two_nets_with_modules_of_one_name(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same_name.py").write_text(TELLS.format(name))
    nets = [write_net(tmp_path / name, "same_name") for name in ("a", "b")]
    assert [told(net) for net in (*nets, *nets)] == ["a", "b", "a", "b"]


def test_a_module_of_a_name_in_use_replaces_nothing(tmp_path):
    (tmp_path / "json.py").write_text(TELLS.format("not the standard library"))
    assert told(write_net(tmp_path, "json")) == "not the standard library"
    assert sys.modules["json"] is json


def test_a_module_may_import_what_lies_beside_it(tmp_path):
    (tmp_path / "beside_it.py").write_text("WHERE = 'found'")
    (tmp_path / "importing.py").write_text("import beside_it\n" + TELLS.format("").replace("''", "beside_it.WHERE"))
    assert told(write_net(tmp_path, "importing")) == "found"


# -- what goes wrong ---------------------------------------------------------------------------------------------


def said_of(layer, **options):
    with pytest.raises(CafpyError) as raised:
        net = make_net(layer, **options)
        net.forward()
        net.backward()
    assert type(raised.value) is LayerError
    start = "layer 'py' (Python), net.prototxt:2: "
    assert str(raised.value).startswith(start)
    return str(raised.value)[len(start) :]


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (
            'type: "Python" python_param { layer: "L" }',
            'module is missing; write `python_param { module: "pyloss" layer: "MyLayer" }`',
        ),
        (
            'type: "Python" python_param { module: "m" }',
            'layer is missing; write `python_param { module: "pyloss" layer: "MyLayer" }`',
        ),
        (
            python("L", "pylos"),
            "module: there is no Python module 'pylos' (did you mean 'pyloss'?); looked in FOLDER and on sys.path",
        ),
        (
            python("L", "pylos.part"),
            "module: there is no Python module 'pylos.part' (did you mean 'pyloss'?); looked in FOLDER and on sys.path",
        ),
        (
            python("EuclidianLossLayer"),
            "layer: module 'pyloss' (FOLDER/pyloss.py) has no class 'EuclidianLossLayer' (did you mean "
            "'EuclideanLossLayer'?); it has EuclideanLossLayer, Affine, Counter, Mistakes, Nothing",
        ),
        (
            python("not_a_class"),
            "layer: module 'pyloss' (FOLDER/pyloss.py) has no class 'not_a_class'; it has EuclideanLossLayer, Affine, "
            "Counter, Mistakes, Nothing",
        ),
        (
            python("EuclideanLossLayer"),
            "pyloss.EuclideanLossLayer.setup failed: Exception: Need two inputs to compute distance. "
            + line_of("Need two inputs"),
        ),
        (python("Affine"), "pyloss.Affine.setup failed: JSONDecodeError: Expecting value: line 1 column 1 (char 0) "),
        (python("Nothing"), "pyloss.Nothing has no method reshape; a Python layer's class needs it"),
        (
            python("Mistakes", more='param_str: "reshape: bottom[0].reshape(3)"'),
            f"pyloss.Mistakes.reshape failed: ValueError: a bottom of shape 2×3×4×5 cannot be reshaped to 3 {EXEC}",
        ),
        (
            python("Mistakes", more='param_str: "forward: top[0].data[...] = np.zeros(7)"'),
            "pyloss.Mistakes.forward failed: ValueError: could not broadcast input array from shape (7,) into shape "
            f"(2,3,4,5) {EXEC}",
        ),
        (
            python("Mistakes", more='param_str: "forward: self.blobs.add_blob(2)"'),
            f"pyloss.Mistakes.forward failed: LayerError: parameters can be added in setup only {EXEC}",
        ),
        (
            python("Mistakes", more='param_str: "forward: assert False"'),
            f"pyloss.Mistakes.forward failed: AssertionError {EXEC}",
        ),
    ],
)
def test_errors(folder, layer, said):
    found = said_of(layer).replace(str(folder), "FOLDER")
    assert found == said if not said.endswith(" ") else found.startswith(said)


def test_a_class_without_backward_is_found_when_it_is_needed(folder):
    assert said_of(python("Mistakes"), before="force_backward: true ") == (
        "pyloss.Mistakes has no method backward; a Python layer's class needs it"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\ndef f(:\n", "SyntaxError: invalid syntax (broken.py, line 2) (FOLDER/broken.py:2)"),
        ("x = 1\n\nx.y\n", "AttributeError: 'int' object has no attribute 'y' (FOLDER/broken.py:3)"),
        ("import nope_nope\n", "ModuleNotFoundError: No module named 'nope_nope' (FOLDER/broken.py:1)"),
        (
            "\nimport caffe\n",
            "ModuleNotFoundError: No module named 'caffe' (FOLDER/broken.py:2); write `import cafpy as caffe` there, "
            "or leave it out: the class of a Python layer needs no base class",
        ),
    ],
)
def test_modules_that_cannot_be_imported(folder, text, said):
    Path("broken.py").write_text(text)
    found = said_of(python("L", "broken")).replace(str(folder), "FOLDER")
    assert found == f"module: 'broken' cannot be imported: {said}"
