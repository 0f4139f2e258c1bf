"""The house plan, held by the code: imports point down, files stay small, every layer has tests."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "cafpy"
GENERATED = {"cafpy_pb2.py"}
LONGEST = 300

# what stands higher may import what stands lower or beside it
LEVELS = {
    "errors": 0,
    "version": 0,
    "files": 0,
    "missing_file": 0,
    "threads": 0,
    "download": 1,
    "proto": 1,
    "backend": 1,
    "blob": 2,
    "ops": 2,
    "filler": 3,
    "feed": 3,
    "passes": 3,
    "layer": 4,
    "registry": 4,
    "layers": 5,
    "wiring": 6,
    "parameters": 6,
    "fusion": 6,
    "net_builder": 6,
    "label_counts": 6,
    "shared_memory": 6,
    "net": 6,
    "snapshot": 7,
    "solvers": 8,
    "testing": 8,
    "cli": 9,
    "pycaffe": 9,
}


def name_of(path: Path) -> str:
    """The module's dotted name; a package has its folder's."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, ast.Module]:
    """The syntax trees of all modules of the package, by name."""
    files = [path for path in sorted(PACKAGE.rglob("*.py")) if path.name not in GENERATED]
    return {name_of(path): ast.parse(path.read_text("utf-8"), str(path)) for path in files}


@cache
def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def imported(tree: ast.Module, types_too: bool = True) -> list[tuple[str, int]]:
    """What a module imports anywhere, functions included: dotted names with lines.

    ``types_too``: also what it imports only for the type checker, which never runs.
    """
    unseen = set() if types_too else for_types(tree)
    found = []
    for node in ast.walk(tree):
        if node in unseen:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: a relative import"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [(name if is_module(name) else node.module, node.lineno) for name in whole]
    return found


def for_types(tree: ast.Module) -> set[ast.AST]:
    """All that stands under `if TYPE_CHECKING:`."""
    blocks = [n for n in ast.walk(tree) if isinstance(n, ast.If) and getattr(n.test, "id", "") == "TYPE_CHECKING"]
    return {inner for block in blocks for inner in ast.walk(block)}


def ours(tree: ast.Module, types_too: bool = True) -> list[tuple[str, int]]:
    return [(name, line) for name, line in imported(tree, types_too) if name.split(".")[0] == "cafpy"]


def level(name: str) -> int:
    unit = name.split(".")[1]
    assert unit in LEVELS, f"cafpy/{unit} has no level in tests/test_architecture.py"
    return LEVELS[unit]


def test_every_file_and_folder_has_a_level():
    units = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert units - {"__init__"} - set(LEVELS) == set()
    assert not [path for path in PACKAGE.rglob("*.py") if not (path.parent / "__init__.py").is_file()]


def test_nobody_imports_the_package_root():
    found = [f"{name}:{line}" for name, tree in modules().items() for what, line in ours(tree) if what == "cafpy"]
    assert not found


def test_imports_point_down():
    upward = [
        f"{name}:{line} imports {what}"
        for name, tree in modules().items()
        for what, line in ours(tree)
        if name != "cafpy" and what != "cafpy" and level(what) > level(name)
    ]
    assert not upward


def test_no_circle_of_imports():
    needs = {name: {what for what, _ in ours(tree, types_too=False)} - {name} for name, tree in modules().items()}
    # take away, again and again, whoever imports nobody or is imported by nobody: only circles stay
    while True:
        used = set().union(*needs.values())
        left = {name: what & needs.keys() for name, what in needs.items() if what & needs.keys() and name in used}
        if left == needs:
            break
        needs = left
    assert not needs, f"in circles: {', '.join(needs)}"


def test_only_the_backend_and_routines_know_devices():
    """A layer never asks which device it is on."""
    allowed = {"cafpy.backend"}
    found = [
        f"{name}:{line}"
        for name, tree in modules().items()
        for what, line in imported(tree)
        if what.split(".")[0] in ("cupy", "cupyx") and name not in allowed and not name.startswith("cafpy.ops.")
    ]
    assert not found
    classes = {"CpuBackend", "GpuBackend"}
    layers = [name for name in modules() if name.startswith("cafpy.layers.")]
    assert not [n for n in layers if classes & {getattr(node, "id", "") for node in ast.walk(modules()[n])}]


@pytest.mark.parametrize("folder", ["cafpy", "tests", "tools", "models", "data"])
def test_files_stay_short(folder):
    files = [path for path in (ROOT / folder).rglob("*.py") if path.name not in GENERATED]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in files}
    assert not {name: length for name, length in lengths.items() if length > LONGEST}


def test_no_drawer_for_everything():
    banned = {"util", "utils", "helper", "helpers", "common", "misc"}
    files = [path for folder in ("cafpy", "tests", "tools") for path in (ROOT / folder).rglob("*")]
    assert not [str(path.relative_to(ROOT)) for path in files if path.stem.lower() in banned]


def test_library_neither_asserts_nor_prints():
    free = ("cafpy.cli", "cafpy.testing")
    found = []
    for name, tree in modules().items():
        if name.startswith(free):
            continue
        for node in ast.walk(tree):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(node, ast.Assert) or (isinstance(called, ast.Name) and called.id == "print"):
                found.append(f"{name}:{node.lineno}")
    assert not found


def test_every_layer_file_has_tests_and_is_named_as_its_type():
    files = [path for path in (PACKAGE / "layers").glob("*.py") if not path.stem.startswith("_")]
    tests = ROOT / "tests" / "layers"
    assert not [path.name for path in files if not (tests / f"test_{path.name}").is_file()]
    for path in files:
        public = [node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.ClassDef)]
        assert path.stem.replace("_", "") in map(str.lower, public), f"{path.name} has no class of its name"
