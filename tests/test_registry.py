"""The registry finds layers by their prototxt type, in cafpy's files and in plug-in modules."""

import sys

import pytest

from cafpy import registry
from cafpy.errors import NetError
from cafpy.layer import Layer
from cafpy.registry import layer_class, layer_types, plug_in


@pytest.fixture(autouse=True)
def no_plug_ins(monkeypatch):
    monkeypatch.setattr(registry, "_plugged_in", {})


def test_every_type_is_found_by_its_name():
    types = layer_types()
    assert types == sorted(types, key=str.lower)
    assert {"ReLU", "HDF5Data", "Split"} <= set(types)
    for name in types:
        cls = layer_class(name)
        assert cls.__name__ == name
        assert issubclass(cls, Layer)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Relu", "unknown layer type 'Relu' (did you mean 'ReLU'?)"),
        ("Splitt", "unknown layer type 'Splitt' (did you mean 'Split'?)"),
        ("Nonsense", "unknown layer type 'Nonsense'; cafpy has "),
        ("", "the layer has no type; cafpy has "),
        ("_Elementwise", "unknown layer type '_Elementwise'"),
        ("../layer", "unknown layer type '../layer'"),
    ],
)
def test_unknown_types(name, message):
    with pytest.raises(NetError) as error:
        layer_class(name)
    assert str(error.value).startswith(message)


def write(folder, text, name="my_layers.py"):
    path = folder / name
    path.write_text(text)
    return path


def test_plug_in(tmp_path):
    path = write(
        tmp_path,
        "from cafpy.layer import Layer\nfrom cafpy.layers.relu import ReLU\n"
        "class _Base(Layer): pass\nclass Cube(_Base): pass\nclass Square(_Base): pass\n",
    )
    assert plug_in(path) == ["Cube", "Square"]
    assert layer_class("Cube").__name__ == "Cube"
    assert {"Cube", "Square", "ReLU"} <= set(layer_types())
    with pytest.raises(NetError, match="did you mean 'Cube'"):
        layer_class("Cubee")


def test_a_plug_in_may_take_the_place_of_a_layer(tmp_path):
    plug_in(write(tmp_path, "from cafpy.layer import Layer\nclass ReLU(Layer): pass\n"))
    assert layer_class("ReLU").__module__ == "cafpy_plug_in_my_layers"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "x = 1", "the layer file {path} is not a Python file (its name must end in .py)"),
        ("b.py", "x = 1", "the layer file {path} defines no subclass of cafpy.layer.Layer"),
        ("c.py", "import no_such", "the layer file {path} cannot be imported: ModuleNotFoundError: No module named "),
        ("d.py", "def f(:", "the layer file {path} cannot be imported: SyntaxError: "),
    ],
)
def test_plug_ins_that_cannot_be_used(tmp_path, name, text, message):
    path = write(tmp_path, text, name)
    with pytest.raises(NetError) as error:
        plug_in(path)
    assert str(error.value).startswith(message.format(path=path))
    assert f"cafpy_plug_in_{path.stem}" not in sys.modules


def test_a_missing_plug_in(tmp_path):
    with pytest.raises(NetError) as error:
        plug_in(tmp_path / "none.py")
    assert str(error.value) == f"the layer file {tmp_path / 'none.py'} does not exist"
