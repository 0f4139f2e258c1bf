"""Finds the user's class of a Python layer."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from cafpy.errors import LayerError, did_you_mean


def find_class(module_name: str, class_name: str, net_file: str) -> type:
    """The class of this name in the module of this name (dots lead into packages), which lies beside the net's file,
    in the working directory or on sys.path. Raises LayerError that says what is missing."""
    folders = _folders(net_file)
    module = _import(module_name, folders)
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        raise LayerError(
            f"layer: module '{module_name}' ({module.__file__}) has no class '{class_name}'"
            f"{did_you_mean(class_name, own)}; it has {', '.join(own) or 'none'}"
        )
    return found


def new_object(cls: type, param: Any) -> Any:
    """An object of the class, given the LayerParameter if its __init__ takes an argument, as pycaffe's classes do."""
    try:
        inspect.signature(cls).bind(param)
    except (TypeError, ValueError):
        return cls()
    return cls(param)


def place(error: BaseException, module: ModuleType | None, skipped: str = __file__) -> str:
    """ " (layers.py:12)": the last line of the user's module that an error went through, or else of any other file."""
    if isinstance(error, SyntaxError):
        return f" ({error.filename}:{error.lineno})"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _counts(frame.filename, skipped)]
    own = [frame for frame in frames if module is not None and frame.filename == module.__file__]
    last = (own or frames)[-1:]
    return f" ({last[0].filename}:{last[0].lineno})" if last else ""


def _counts(filename: str, skipped: str) -> bool:
    return not filename.startswith("<") and Path(filename).parent != Path(skipped).parent


def _folders(net_file: str) -> list[Path]:
    beside = [Path(net_file).absolute().parent] if net_file and Path(net_file).is_file() else []
    return list(dict.fromkeys([*beside, Path.cwd()]))


def _import(name: str, folders: list[Path]) -> ModuleType:
    file = _file(name, folders)
    loaded = sys.modules.get(name)
    if loaded is not None and file is not None and not _is_of(loaded, file):
        return _load_aside(name, file)  # another module of that name is in use; it stays what it is
    try:
        with _search_first(folders):
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
            raise _broken(name, error) from error
        there = {path.stem for folder in folders for path in folder.glob("*.py")}
        looked = ", ".join(str(folder) for folder in folders)
        raise LayerError(
            f"module: there is no Python module '{name}'{did_you_mean(name, there)}; looked in {looked} and on sys.path"
        ) from None
    except Exception as error:
        raise _broken(name, error) from error


def _broken(name: str, error: Exception) -> LayerError:
    hint = ""
    if isinstance(error, ModuleNotFoundError) and error.name == "caffe":
        hint = "; write `import cafpy as caffe` there, or leave it out: the class of a Python layer needs no base class"
    where = place(error, None)
    return LayerError(f"module: '{name}' cannot be imported: {type(error).__name__}: {error}{where}{hint}")


def _file(name: str, folders: list[Path]) -> Path | None:
    for folder in folders:
        base = folder.joinpath(*name.split("."))
        for path in (base / "__init__.py", base.with_name(f"{base.name}.py")):
            if path.is_file():
                return path
    return None


def _is_of(module: ModuleType, file: Path) -> bool:
    return bool(module.__dict__.get("__file__")) and Path(str(module.__file__)).resolve() == file.resolve()


def _load_aside(name: str, file: Path) -> ModuleType:
    """The module in this file, under a name of its own."""
    aside = f"{name} ({file.resolve()})"
    if aside in sys.modules:
        return sys.modules[aside]
    spec = importlib.util.spec_from_file_location(aside, file)
    if spec is None or spec.loader is None:
        raise LayerError(f"module: '{file}' is no Python module")
    module = sys.modules[aside] = importlib.util.module_from_spec(spec)
    try:
        with _search_first([file.parent]):
            spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[aside]
        raise _broken(name, error) from error
    return module


@contextmanager
def _search_first(folders: list[Path]) -> Iterator[None]:
    """While inside, modules are looked for in these folders first."""
    before = sys.path[:]
    sys.path[:0] = [str(folder) for folder in folders]
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = before
