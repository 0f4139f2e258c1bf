"""The build's own step: an installed cafpy has the zoo's nets, shipped weights and data scripts."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def build(tmp_path, monkeypatch):
    """The build step, for a package of one module, into tmp_path/lib."""
    dist = pytest.importorskip("setuptools.dist")
    spec = importlib.util.spec_from_file_location("build_with_models", ROOT / "tools" / "build_with_models.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(ROOT)
    command = module.BuildWithModels(dist.Distribution({"packages": ["cafpy.proto"], "script_name": "none"}))
    command.build_lib = str(tmp_path / "lib")
    command.editable_mode = False
    command.finalize_options()
    return command


def test_the_package_gets_every_model_and_its_scripts(build, tmp_path):
    build.run()
    package = tmp_path / "lib" / "cafpy"
    for kind, patterns in (("models", ["*/README.md", "**/*.prototxt"]), ("data", ["*/README.md", "*/*.py"])):
        for pattern in patterns:
            wanted = {path.relative_to(ROOT): path.read_bytes() for path in (ROOT / kind).glob(pattern)}
            assert wanted
            assert {p.relative_to(package): p.read_bytes() for p in (package / kind).glob(pattern)} == wanted
    shipped = {path.name for path in package.rglob("*.caffemodel")}
    assert shipped == {"lenet_digits.caffemodel", "lenet_mnist.caffemodel"}
    assert not list(package.rglob("*_lmdb"))
    assert set(build.get_outputs(include_bytecode=False)) >= {str(p) for p in package.rglob("*") if p.is_file()}


def test_the_source_distribution_can_build_it(build):
    sources = set(build.get_source_files())
    assert {"tools/build_with_models.py", "models/lenet_digits/lenet_digits.caffemodel"} <= sources
    assert "data/digits/make_digits.py" in sources
    assert all((ROOT / path).is_file() for path in sources)


def test_an_editable_installation_reads_the_checkout(build, tmp_path):
    build.editable_mode = True
    assert not any("models" in path for path in build.get_outputs(include_bytecode=False))
