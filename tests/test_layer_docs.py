"""docs/layers.md and the layers' docstrings: up to date, complete, and every snippet builds as a net."""

import importlib.util
import inspect
import re
import shutil
import sys
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

from cafpy.errors import CafpyError
from cafpy.feed.convert.arrays import convert_arrays
from cafpy.feed.convert.mean import write_mean
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.binary import array_to_blob
from cafpy.proto.text import parse
from cafpy.registry import layer_class, layer_types

ROOT = Path(__file__).resolve().parents[1]
DELEGATED = re.compile(r"Options \((\w+)\)[^\n]*(?:\n[^\n]+)*?\b(?:of|in|as) (Convolution)\b")


@pytest.fixture(scope="module")
def maker():
    """tools/make_layer_docs.py as a module."""
    return load(ROOT / "tools" / "make_layer_docs.py")


def load(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def options_message(field: str):
    return pb.LayerParameter.DESCRIPTOR.fields_by_name[field].message_type


def documented(maker, name: str) -> dict[str, set[str]]:
    """The options that a layer's docstring tells of, by the field of LayerParameter that they stand in."""
    text = inspect.getdoc(layer_class(name)) + "\n"
    found: dict[str, set[str]] = {}
    for field, _, entries in maker.OPTIONS.findall(text):
        found.setdefault(field, set()).update(n for names, _ in maker.ENTRY.findall(entries) for n in names.split(", "))
    for field, other in DELEGATED.findall(text):
        found.setdefault(field, set()).update(documented(maker, other)[field])
    return found


def test_page_is_up_to_date(maker):
    page = (ROOT / "docs" / "layers.md").read_text("utf-8")
    assert page == maker.catalogue(), "run python tools/make_layer_docs.py"


@pytest.mark.parametrize("name", layer_types())
def test_every_option_is_documented(maker, name):
    told = documented(maker, name)
    field = layer_class(name).options_field
    if field:
        fields = {option.name for option in options_message(field).fields}
        assert fields - told.get(field, set()) == set()
    for other, options in told.items():
        assert options - {option.name for option in options_message(other).fields} == set()


# -- snippets ----------------------------------------------------------------------------------------------------

# The bottoms of a snippet are those of a case of the layer's own test file; where none fits, they stand here.
BOTTOMS = {
    "Concat": [(2, 64, 8, 8), (2, 128, 8, 8), (2, 32, 8, 8), (2, 32, 8, 8)],
    "Crop": [(2, 21, 70, 70), (2, 3, 32, 32)],
    "Deconvolution": [(2, 21, 16, 16)],
    "Reshape": [(2, 84)],
    "SPP": [(2, 8, 13, 13)],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """What the snippets' data layers read: pictures of 256×256, their lists and their mean; features; a matrix."""
    folder = tmp_path_factory.mktemp("snippets")
    for name in ("examples/imagenet", "data/ilsvrc12", "images"):
        (folder / name).mkdir(parents=True)
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 256, 256)).astype(np.uint8)
    convert_arrays(images, np.arange(3), folder / "examples/imagenet/ilsvrc12_train_lmdb")
    for name in ("data/ilsvrc12/imagenet_mean.binaryproto", "imagenet_mean.binaryproto"):
        write_mean(folder / name, images.mean(axis=0))
    cv2.imwrite(str(folder / "images/a.png"), images[0].transpose(1, 2, 0))
    (folder / "train.txt").write_text("a.png 0\n")
    windows = "1 0.9 0 0 99 99\n0 0.1 100 100 199 199\n"
    (folder / "window_file_2007_trainval.txt").write_text(f"# 0\nimages/a.png\n3\n256\n256\n2\n{windows}")
    with h5py.File(folder / "features.h5", "w") as file:
        file["features"] = np.zeros((3, 5), np.float32)
        file["label"] = np.zeros(3, np.float32)
    (folder / "train_files.txt").write_text("features.h5\n")
    (folder / "infogain.binaryproto").write_bytes(array_to_blob(np.eye(4, dtype=np.float32)).SerializeToString())
    shutil.copy(ROOT / "tests/layers/pyloss.py", folder)
    return folder


def snippet(name: str) -> str:
    (text,) = re.findall(r"```\n(.*?)```", inspect.getdoc(layer_class(name)), re.S)
    return text


def cases(name: str) -> list:
    """The CASES of the layer's own test file."""
    file = Path(inspect.getfile(layer_class(name))).stem
    folder = ROOT / "tests" / "layers"
    sys.path.insert(0, str(folder))
    try:
        return [case for case in load(folder / f"test_{file}.py").CASES if case.type == name]
    finally:
        sys.path.remove(str(folder))


def with_inputs(net, wanted, shapes):
    """The net with an Input layer before it for each blob that it takes from elsewhere."""
    whole = pb.NetParameter(name="snippet")
    for name, shape in zip(wanted, shapes, strict=True):
        source = whole.layer.add(name=f"{name}_input", type="Input", top=[name])
        source.input_param.shape.add(dim=shape)
    whole.layer.extend(net.layer)
    return whole


def taken_from_elsewhere(net) -> list[str]:
    """The bottoms that no layer before gives."""
    wanted: list[str] = []
    given: set[str] = set()
    for layer in net.layer:
        wanted += [name for name in layer.bottom if name not in given and name not in wanted]
        given.update(layer.top)
    return wanted


@pytest.mark.parametrize("name", layer_types())
def test_snippet_builds(name, folder, monkeypatch):
    net = parse(snippet(name), pb.NetParameter(), f"{name}.prototxt")
    assert name in [layer.type for layer in net.layer]
    wanted = taken_from_elsewhere(net)
    shapes = [[bottom if isinstance(bottom, tuple) else np.shape(bottom) for bottom in c.bottoms] for c in cases(name)]
    monkeypatch.chdir(folder)
    refusals = []
    for bottoms in [BOTTOMS[name]] if name in BOTTOMS else [s for s in shapes if len(s) == len(wanted)]:
        try:
            Net(with_inputs(net, wanted, bottoms), pb.TRAIN).close()
            return
        except CafpyError as error:
            refusals.append(str(error))
    pytest.fail("\n".join(refusals) or f"no case of {name} has {len(wanted)} bottoms")
