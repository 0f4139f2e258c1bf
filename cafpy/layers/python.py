"""Python: a layer that a class of the user's computes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from cafpy.blob import Blob
from cafpy.errors import LayerError
from cafpy.layer import Layer
from cafpy.layers._python_blobs import PythonBlob, PythonParameters
from cafpy.layers._python_class import find_class, new_object, place


class Python(Layer):
    """Computes what a Python class of yours computes, written as for pycaffe: with the methods `setup(bottom, top)`,
    `reshape(bottom, top)`, `forward(bottom, top)` and `backward(top, propagate_down, bottom)`. It needs no base class.
    bottom and top are lists of blobs with `data`, `diff` (numpy arrays), `shape`, `count`, `num`, `channels`, `height`,
    `width` and `reshape(*dims)`; write to `top[0].data[...]`. On a GPU the arrays are copied to the host and back, so
    for speed make a layer type of your own instead (`--layers` of `cafpy train`).

    The object has `self.param_str`, `self.phase` (0 TRAIN, 1 TEST) and `self.blobs`, its parameters, which
    `self.blobs.add_blob(*dims)` in setup makes; backward adds to their `diff`. reshape is called before every forward.
    A loss gets `loss_weight: 1` in the net.

    Options (python_param):
        module: the module's name, without .py. It is looked for beside the net's file, in the working directory and
            on Python's search path.
        layer: the class's name.
        param_str: handed to the class, which reads it as it likes (default "").
        share_in_parallel: no effect; there is one net.

    ```
    layer {
      name: "loss" type: "Python" bottom: "score" bottom: "label" top: "loss" loss_weight: 1
      python_param { module: "pyloss" layer: "EuclideanLossLayer" param_str: "{'weight': 2}" }
    }
    ```
    """

    bottoms = (0, None)
    tops = (0, None)
    options_field = "python_param"
    in_place = True
    reshape_always = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for name in ("module", "layer"):
            if not getattr(self.options, name):
                raise self.error(f'{name} is missing; write `python_param {{ module: "pyloss" layer: "MyLayer" }}`')
        try:
            cls = find_class(self.options.module, self.options.layer, self.param.defined_at.rpartition(":")[0])
        except LayerError as error:
            raise self.error(str(error)) from error
        self._module = sys.modules.get(cls.__module__)
        self._views: dict[Blob, PythonBlob] = {}
        self._params = PythonParameters(self)
        self.object: Any = self._guarded("__init__", new_object, cls, self.param)
        self.object.param_str = self.object.param_str_ = str(self.options.param_str)
        self.object.phase = int(self.phase)
        self.object.blobs = self._params
        self._call("setup", *self._blobs(bottom, top))
        self._params.end_setup()

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._call("reshape", *self._blobs(bottom, top))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._call("forward", *self._blobs(bottom, top))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        bottoms, tops = self._blobs(bottom, top)
        fixed = [blob for blob, wanted in zip(self.blobs, self.param_propagate_down, strict=True) if not wanted]
        kept = [blob.diff.copy() for blob in fixed]  # classes do not know which parameters learn
        self._call("backward", tops, list(propagate_down), bottoms)
        for blob, diff in zip(fixed, kept, strict=True):
            blob.diff[...] = diff

    def _blobs(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> tuple[list[PythonBlob], list[PythonBlob]]:
        """The blobs as the class sees them, the same objects in every call."""
        for blob in bottom:
            self._views.setdefault(blob, PythonBlob(blob, reshapable=False))
        for blob in top:
            self._views.setdefault(blob, PythonBlob(blob))
        return [self._views[blob] for blob in bottom], [self._views[blob] for blob in top]

    def _call(self, method: str, *args: Any) -> None:
        function = getattr(self.object, method, None)
        if function is None:
            if method == "setup":
                return
            raise self.error(f"{self._name} has no method {method}; a Python layer's class needs it")
        self._guarded(method, function, *args)
        for view in (*self._views.values(), *self._params):
            view.write_back()

    def _guarded(self, method: str, function: Callable[..., Any], *args: Any) -> Any:
        """Call the user's code; what goes wrong in it names the class, the method and the line."""
        try:
            return function(*args)
        except Exception as error:
            said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise self.error(f"{self._name}.{method} failed: {said}{place(error, self._module)}") from error

    @property
    def _name(self) -> str:
        return f"{self.options.module}.{self.options.layer}"


class PythonLayer:
    """A base for the classes of Python layers, for those that want one: none is needed.

    Before ``setup`` is called it has the attributes ``param_str``, ``phase`` (0 TRAIN, 1 TEST) and ``blobs``
    (a :class:`PythonParameters`), as the class of every Python layer.
    """

    def __init__(self, param: Any = None):
        self.layer_param = param

    def setup(self, bottom: Sequence[Any], top: Sequence[Any]) -> None:
        """Once: read ``param_str``, check the number of bottoms and tops, add parameters."""

    def reshape(self, bottom: Sequence[Any], top: Sequence[Any]) -> None:
        """Before each forward: give the tops their shapes."""

    def forward(self, bottom: Sequence[Any], top: Sequence[Any]) -> None:
        """Compute ``top[i].data`` from ``bottom[i].data``."""
        raise NotImplementedError("the class has no forward")

    def backward(self, top: Sequence[Any], propagate_down: Sequence[bool], bottom: Sequence[Any]) -> None:
        """Overwrite ``bottom[i].diff`` where ``propagate_down[i]``; add to ``self.blobs[j].diff``."""
        raise NotImplementedError("the class has no backward")
