"""Finds the class of a layer by its prototxt type. Adding a layer is adding a file: there is no list to edit."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from cafpy.errors import CafpyError, NetError, did_you_mean
from cafpy.layer import Layer

_LAYERS = Path(__file__).with_name("layers")
_plugged_in: dict[str, type[Layer]] = {}


def layer_class(type_name: str) -> type[Layer]:
    """The class of layers of this type ("Convolution"); only its own file is imported.

    Raises NetError, with the nearest name, when there is none.
    """
    if type_name in _plugged_in:
        return _plugged_in[type_name]
    file = _files().get(type_name.lower())
    found = _house_layer(file, type_name) if file else None
    if found is None:
        known = layer_types()
        said = f"unknown layer type '{type_name}'" if type_name else "the layer has no type"
        raise NetError(said + (did_you_mean(type_name, known) or f"; cafpy has {', '.join(known)}"))
    return found


def layer_types() -> list[str]:
    """All types there are, cafpy's own and those of plugged-in modules, in alphabetical order."""
    house = (cls.__name__ for file in _files().values() for cls in _classes(_module(file)))
    return sorted({*house, *_plugged_in}, key=str.lower)


def plug_in(path: str | Path) -> list[str]:
    """Load a user's Python file; every Layer subclass in it becomes a layer type. Returns the types' names.

    Raises NetError when the file is missing, fails to import or holds no layer.
    """
    path = Path(path)
    if not path.is_file():
        raise NetError(f"the layer file {path} does not exist")
    name = f"cafpy_plug_in_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise NetError(f"the layer file {path} is not a Python file (its name must end in .py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        classes = _classes(module)
        if not classes:
            raise NetError(f"the layer file {path} defines no subclass of cafpy.layer.Layer")
    except Exception as error:
        del sys.modules[name]
        if isinstance(error, CafpyError):
            raise
        raise NetError(f"the layer file {path} cannot be imported: {type(error).__name__}: {error}") from error
    _plugged_in.update({cls.__name__: cls for cls in classes})
    return [cls.__name__ for cls in classes]


@cache
def _files() -> dict[str, str]:
    """Module names of cafpy/layers by lower-case type: softmax_with_loss.py holds SoftmaxWithLoss."""
    return {
        file.stem.replace("_", ""): file.stem for file in sorted(_LAYERS.glob("*.py")) if not file.stem.startswith("_")
    }


def _module(file: str) -> ModuleType:
    return importlib.import_module(f"cafpy.layers.{file}")


def _classes(module: ModuleType) -> list[type[Layer]]:
    """Layer subclasses that the module itself defines and does not mark as a base by a leading underscore."""
    return [
        value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Layer)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]


def _house_layer(file: str, type_name: str) -> type[Layer] | None:
    return next((cls for cls in _classes(_module(file)) if cls.__name__ == type_name), None)
